import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { startProcess } from '../processes/run-process.ts'

/** What `processes/count-within-quota.ts` is told. */
export interface QuotaCounterOptions {
  readonly database: string
  readonly dataDir: string
  readonly key: string
  readonly owner: string
  /** Requests between two deliveries. */
  readonly burst: number
  /** It ends after so many, whatever the quota says. */
  readonly most: number
}

/** A process that counts until its quota is used up. */
export interface QuotaCounter {
  /** Lets it go on, and waits for what it says next. */
  goOn(): Promise<Record<string, number>>
  /** Waits for its end. */
  end(): Promise<number | null>
}

/** Starts such a process, and waits until it knows its quotas. */
export async function startQuotaCounter(options: QuotaCounterOptions): Promise<QuotaCounter> {
  const child = startProcess('count-within-quota', JSON.stringify(options))
  const ended = once(child, 'exit') as Promise<[number | null]>
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const hear = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error('The process ended without an answer.')
    return JSON.parse(value) as Record<string, number>
  }
  await hear()
  return {
    goOn() {
      child.stdin!.write('go\n')
      return hear()
    },
    async end() {
      child.stdin!.end()
      const [code] = await ended
      return code
    },
  }
}
