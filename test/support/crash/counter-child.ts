import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Moment } from '../processes/die-at.ts'
import { startProcess } from '../processes/run-process.ts'

/** Tokens of each of its requests: set before it is counted, and added after it. */
export const TOKENS_AT_ONCE = 5
export const TOKENS_LATE = 2

/** What `processes/count-and-die.ts` is told. */
export interface CounterOptions {
  readonly database: string
  readonly dataDir: string
  readonly mode: 'mapped' | 'written'
  /** File that gets one byte per counted request; `<acknowledged>-tokens` gets one per token. */
  readonly acknowledged: string
  readonly moment?: Moment
  /** Different cells per minute. */
  readonly cells?: number
  readonly cycles?: number
  /** False: nothing is delivered, as while the database is away. */
  readonly flush?: boolean
}

/** What `processes/recover-and-die.ts` is told. */
export interface RecovererOptions {
  readonly database: string
  readonly dataDir: string
  readonly moment?: Moment
}

/** How a child ended. */
export interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Lets a child count until it dies at its moment. */
export async function countUntilDeath(options: CounterOptions): Promise<End> {
  return endOf(startProcess('count-and-die', JSON.stringify(options)))
}

/** Starts a process that is connected and recovers once told to go. */
export async function startRecoverer(options: RecovererOptions): Promise<() => Promise<End>> {
  const child = startProcess('recover-and-die', JSON.stringify(options))
  const end = endOf(child)
  await Promise.race([once(child.stdout!, 'data'), end])
  return () => {
    child.stdin!.end('go')
    return end
  }
}

/** Waits for a child's end. */
export async function endOf(child: ChildProcess): Promise<End> {
  child.stdout?.resume()
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  return { code, signal }
}
