/**
 * Makes a reader that goes away (`| head`) no error: nobody wants the rest, so the process ends. It cannot end by
 * itself: oclif waits for the output to drain, which never comes then, and Node gives 13 for such a wait.
 */
export function tolerateBrokenPipe(stream: NodeJS.WriteStream = process.stdout): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (isBrokenPipe(error)) process.exit(process.exitCode ?? 0)
  })
}

/** Whether an error only says that nobody reads any more. */
export function isBrokenPipe(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EPIPE'
}
