import { metrics } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { describe, expect, test } from 'vitest'
import { AnalyticsError } from '../../src/model/errors.ts'
import type { AnalyticsStats } from '../../src/monitoring/analytics-stats.ts'
import { judgeHealth } from '../../src/monitoring/judge-health.ts'
import { observeMetrics } from '../../src/monitoring/observe-metrics.ts'
import { renderPrometheus } from '../../src/monitoring/render-prometheus.ts'

const NOW = Date.parse('2026-11-02T10:00:00Z')
const STATS: AnalyticsStats = {
  counted: 1204,
  flushed: 1200,
  pending: 4,
  failedFlushes: 2,
  failuresInRow: 0,
  lastError: undefined,
  lastFlushAt: new Date(NOW - 2500),
  mode: 'mapped',
  counterFileBytes: 266_240,
}

describe('metrics for Prometheus', () => {
  test('are counting itself, and no series per key', () => {
    expect(renderPrometheus(STATS, NOW)).toBe(`\
# HELP apikey_analytics_requests_counted_total Requests counted since the process started.
# TYPE apikey_analytics_requests_counted_total counter
apikey_analytics_requests_counted_total 1204
# HELP apikey_analytics_requests_flushed_total Those of them that are in the database, or set aside because it refused them.
# TYPE apikey_analytics_requests_flushed_total counter
apikey_analytics_requests_flushed_total 1200
# HELP apikey_analytics_requests_pending Requests that wait in the counter files.
# TYPE apikey_analytics_requests_pending gauge
apikey_analytics_requests_pending 4
# HELP apikey_analytics_flush_failures_total Flushes that failed; each is tried again.
# TYPE apikey_analytics_flush_failures_total counter
apikey_analytics_flush_failures_total 2
# HELP apikey_analytics_flush_age_seconds Time since the last flush that succeeded; absent before the first.
# TYPE apikey_analytics_flush_age_seconds gauge
apikey_analytics_flush_age_seconds 2.5
# HELP apikey_analytics_disk_usage_bytes Disk space of the counter files of this process.
# TYPE apikey_analytics_disk_usage_bytes gauge
apikey_analytics_disk_usage_bytes 266240
# HELP apikey_analytics_crash_safe 1 if counts survive a kill of the process, 0 if they are in memory only.
# TYPE apikey_analytics_crash_safe gauge
apikey_analytics_crash_safe 1
`)
  })

  test('have no age before the first flush, and none below zero after a clock was set back', () => {
    expect(renderPrometheus({ ...STATS, lastFlushAt: undefined }, NOW)).not.toContain('flush_age')
    expect(renderPrometheus(STATS, NOW - 60_000)).toContain('apikey_analytics_flush_age_seconds 0\n')
  })
})

describe('metrics for OpenTelemetry', () => {
  test('have the names, types and values that its exporter for Prometheus makes of them', async () => {
    const reader = new PrometheusExporter({ preventServerStart: true })
    const meter = new MeterProvider({ readers: [reader] }).getMeter('test')
    observeMetrics({ stats: () => STATS }, meter)

    const { resourceMetrics } = await reader.collect()
    const exported = new PrometheusSerializer().serialize(resourceMetrics)
    expect(typesAndValues(exported)).toEqual(typesAndValues(renderPrometheus(STATS, NOW)))
  })

  test('take the meter of the API, which does nothing until an SDK is there', () => {
    expect(() => observeMetrics({ stats: () => STATS }, metrics.getMeter('test'))).not.toThrow()
  })
})

/**
 * Types and values by name, without labels of the scope and without units: this exporter leaves them out. The age is left
 * out, because it is that of the real clock.
 */
function typesAndValues(text: string): string[] {
  return text
    .replaceAll(/\{.*\}/g, '')
    .replaceAll(/_(seconds|bytes)/g, '')
    .split('\n')
    .filter(
      (line) => /^(# TYPE )?apikey_analytics/.test(line) && !line.startsWith('apikey_analytics_flush_age'),
    )
    .sort()
}

describe('health', () => {
  test('is good when all is well, and where nothing is counted', () => {
    expect(judgeHealth(STATS, false)).toEqual({ ready: true, problems: [] })
    expect(judgeHealth({ ...STATS, mode: 'off' }, true)).toEqual({ ready: true, problems: [] })
  })

  test('is not good while counts are in memory, unless the app wants them there', () => {
    const stats = { ...STATS, mode: 'memory' as const }
    expect(judgeHealth(stats, false)).toEqual({
      ready: false,
      problems: ['Counts are in memory only. Make the folder dataDir writable and make room on its disk.'],
    })
    expect(judgeHealth(stats, true)).toEqual({ ready: true, problems: [] })
  })

  test('names the last error while flushes fail, and stays ready, because nothing is lost', () => {
    const lastError = new AnalyticsError('DATABASE_UNREACHABLE', 'Cannot reach PostgreSQL at db:5432.')
    const failing = { ...STATS, failuresInRow: 3, lastError }
    expect(judgeHealth(failing, false)).toEqual({
      ready: true,
      problems: [
        'The last 3 flushes failed; 4 requests wait. DATABASE_UNREACHABLE: Cannot reach PostgreSQL at db:5432.',
      ],
    })
    // the error is kept for `stats()` after the database is back
    expect(judgeHealth({ ...failing, failuresInRow: 0 }, false).problems).toEqual([])
  })
})
