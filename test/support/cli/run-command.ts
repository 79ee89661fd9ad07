import { Config } from '@oclif/core'
import type { CliResult } from './run-cli.ts'

const ROOT = new URL('../../..', import.meta.url).pathname
let loaded: Promise<Config> | undefined

/**
 * Runs a command from its source in this process: hundreds of runs take seconds. `onOutput` is called when something
 * comes on standard output. Only one at a time: the process has one standard output.
 */
export async function runCommand(
  command: { run(args: string[], config: Config): Promise<unknown> },
  args: readonly string[],
  onOutput: () => void = () => {},
): Promise<CliResult> {
  const config = await (loaded ??= Config.load(ROOT))
  const [stdout, stderr] = [capture(process.stdout, onOutput), capture(process.stderr)]
  try {
    process.exitCode = undefined
    await command.run([...args], config)
    return {
      code: (process.exitCode as number | undefined) ?? 0,
      stdout: stdout.read(),
      stderr: stderr.read(),
    }
  } finally {
    process.exitCode = undefined
    stdout.restore()
    stderr.restore()
  }
}

/** Bytes are kept as Latin-1, so that a workbook and a compressed file are compared too. */
function capture(stream: NodeJS.WriteStream, onOutput: () => void = () => {}) {
  const write = stream.write.bind(stream)
  // each run may leave one on a stream that a real command has for itself
  stream.setMaxListeners(0)
  const chunks: Buffer[] = []
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    chunks.push(Buffer.from(chunk as string))
    onOutput()
    for (const done of rest) if (typeof done === 'function') done()
    return true
  }
  return { read: () => Buffer.concat(chunks).toString('latin1'), restore: () => void (stream.write = write) }
}
