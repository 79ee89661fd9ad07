import type { ApiKeyAnalytics } from '../api-key-analytics.ts'
import { METRICS } from './metrics.ts'
import type { Metric } from './metrics.ts'

/** What `observeMetrics` needs of a `Meter` of `@opentelemetry/api`, of which any version 1 has it. */
export interface ObservingMeter {
  createObservableCounter(name: string, options: InstrumentOptions): ObservableInstrument
  createObservableGauge(name: string, options: InstrumentOptions): ObservableInstrument
}

interface InstrumentOptions {
  readonly description: string
  readonly unit: string
}

interface ObservableInstrument {
  addCallback(callback: (result: { observe(value: number): void }) => void): void
}

/**
 * Makes the metrics of `analytics.metrics()` observable instruments of OpenTelemetry.
 * @param meter such as `metrics.getMeter('my-app')` of `@opentelemetry/api`
 */
export function observeMetrics(analytics: Pick<ApiKeyAnalytics, 'stats'>, meter: ObservingMeter): void {
  for (const metric of METRICS) {
    createInstrument(meter, metric).addCallback((result) => {
      const value = metric.read(analytics.stats(), Date.now())
      if (value !== undefined) result.observe(value)
    })
  }
}

function createInstrument(
  meter: ObservingMeter,
  { kind, name, description, unit }: Metric,
): ObservableInstrument {
  const options = { description, unit }
  return kind === 'counter'
    ? meter.createObservableCounter(name, options)
    : meter.createObservableGauge(name, options)
}
