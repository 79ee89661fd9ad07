import type { AnalyticsStats } from './analytics-stats.ts'

/** One number about the counting itself, never about a key: the number of series stays the same. */
export interface Metric {
  /** As in OpenTelemetry, such as `apikey_analytics.requests.counted`. */
  readonly name: string
  readonly description: string
  /** A counter only grows while the process lives. */
  readonly kind: 'counter' | 'gauge'
  /** `s` and `By` are seconds and bytes; a unit in braces counts things. */
  readonly unit: 's' | 'By' | '{request}' | '{flush}' | ''
  /** Undefined as long as there is nothing to say. */
  readonly read: (stats: AnalyticsStats, now: number) => number | undefined
}

/** What Prometheus and OpenTelemetry get, in the order in which it is printed. */
export const METRICS: readonly Metric[] = [
  {
    name: 'apikey_analytics.requests.counted',
    description: 'Requests counted since the process started.',
    kind: 'counter',
    unit: '{request}',
    read: ({ counted }) => counted,
  },
  {
    name: 'apikey_analytics.requests.flushed',
    description: 'Those of them that are in the database, or set aside because it refused them.',
    kind: 'counter',
    unit: '{request}',
    read: ({ flushed }) => flushed,
  },
  {
    name: 'apikey_analytics.requests.pending',
    description: 'Requests that wait in the counter files.',
    kind: 'gauge',
    unit: '{request}',
    read: ({ pending }) => pending,
  },
  {
    name: 'apikey_analytics.flush.failures',
    description: 'Flushes that failed; each is tried again.',
    kind: 'counter',
    unit: '{flush}',
    read: ({ failedFlushes }) => failedFlushes,
  },
  {
    name: 'apikey_analytics.flush.age',
    description: 'Time since the last flush that succeeded; absent before the first.',
    kind: 'gauge',
    unit: 's',
    // a clock that was set back does not make it negative
    read: ({ lastFlushAt }, now) => lastFlushAt && Math.max(0, now - lastFlushAt.getTime()) / 1000,
  },
  {
    name: 'apikey_analytics.disk.usage',
    description: 'Disk space of the counter files of this process.',
    kind: 'gauge',
    unit: 'By',
    read: ({ counterFileBytes }) => counterFileBytes,
  },
  {
    name: 'apikey_analytics.crash_safe',
    description: '1 if counts survive a kill of the process, 0 if they are in memory only.',
    kind: 'gauge',
    unit: '',
    read: ({ mode }) => (mode === 'mapped' || mode === 'written' ? 1 : 0),
  },
]
