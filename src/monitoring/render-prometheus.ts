import type { AnalyticsStats } from './analytics-stats.ts'
import { METRICS } from './metrics.ts'
import type { Metric } from './metrics.ts'

/** Content type of the text: version 0.0.4 of the exposition format, which every Prometheus reads. */
export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * The metrics as Prometheus reads them.
 * @param now epoch milliseconds
 */
export function renderPrometheus(stats: AnalyticsStats, now: number): string {
  return METRICS.map((metric) => renderMetric(metric, metric.read(stats, now))).join('')
}

function renderMetric(metric: Metric, value: number | undefined): string {
  if (value === undefined) return ''
  const name = prometheusName(metric)
  return `# HELP ${name} ${metric.description}\n# TYPE ${name} ${metric.kind}\n${name} ${value}\n`
}

/** By the rules of OpenTelemetry for Prometheus, as its collector applies them. */
function prometheusName({ name, unit, kind }: Metric): string {
  const unitSuffix = { s: '_seconds', By: '_bytes', '{request}': '', '{flush}': '', '': '' }[unit]
  return `${name.replaceAll('.', '_')}${unitSuffix}${kind === 'counter' ? '_total' : ''}`
}
