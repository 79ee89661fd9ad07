import type { AnalyticsStats } from './analytics-stats.ts'

/** What `analytics.health()` returns. */
export interface AnalyticsHealth {
  /** True while counts survive a kill of the process. A database that is away does not change it: nothing is lost. */
  readonly ready: boolean
  /** What needs a person, and what to do; empty when all is well. */
  readonly problems: readonly string[]
}

/** @param inMemory whether the app asked for counts in memory, so that they are no problem */
export function judgeHealth(stats: AnalyticsStats, inMemory: boolean): AnalyticsHealth {
  const ready = stats.mode !== 'memory' || inMemory
  const problems = [
    !ready && 'Counts are in memory only. Make the folder dataDir writable and make room on its disk.',
    stats.failuresInRow > 0 && describeFailures(stats),
  ]
  return { ready, problems: problems.filter((problem) => problem !== false) }
}

function describeFailures({ failuresInRow, pending, lastError }: AnalyticsStats): string {
  const flushes = failuresInRow === 1 ? 'The last flush' : `The last ${failuresInRow} flushes`
  return `${flushes} failed; ${pending === 1 ? '1 request waits' : `${pending} requests wait`}. ${lastError?.code}: ${lastError?.message}`
}
