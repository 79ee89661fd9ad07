/**
 * Handles a reader that closes the pipe (`| head`): this is no error, and the process ends. It must end here, because
 * oclif waits for the output to drain. That never happens then, and Node exits with 13 for such a wait.
 */
export function tolerateBrokenPipe(stream: NodeJS.WriteStream = process.stdout): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (isBrokenPipe(error)) process.exit(process.exitCode ?? 0)
  })
}

/** Whether an error only means that the reader closed the pipe. */
export function isBrokenPipe(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EPIPE'
}
