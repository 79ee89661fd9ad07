import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findProgram } from '../processes/find-program.ts'

export interface CountingAppOptions {
  readonly database: string
  readonly dataDir: string
  readonly mode: 'mapped' | 'written'
  readonly flushIntervalMs: number
}

/** An app that counts, in a process of its own. */
export interface CountingApp {
  readonly url: string
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>
  /** Ends it as a service manager does. @returns its exit code */
  terminate(): Promise<number | null>
}

/**
 * Starts an app that counts; resolves once it listens.
 * @throws Error when it does not count in the mode asked for
 */
export async function startCountingApp(options: CountingAppOptions): Promise<CountingApp> {
  const child = spawn(process.execPath, [findProgram('counting-app'), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    return (await exited)[0]
  }
  const [hello] = (await Promise.race([once(child.stdout, 'data'), exited])) as [Buffer | number | null]
  if (!Buffer.isBuffer(hello)) throw new Error(`The app ended before it listened (exit code ${hello}).`)
  const { url, mode } = JSON.parse(hello.toString()) as { url: string; mode: string }
  if (mode !== options.mode) throw new Error(`The app counts in mode ${mode}, not ${options.mode}.`)
  return { url, kill: async () => void (await end('SIGKILL')), terminate: () => end('SIGTERM') }
}
