import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'

/** Exports each minute, as by default; past the default limit of 2000 series the key would be lost. */
export function startMeterProvider(collectorUrl) {
  const exporter = new OTLPMetricExporter({ url: `${collectorUrl}/v1/metrics` })
  const cardinalityLimits = { default: 100_000 }
  return new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter, cardinalityLimits })] })
}
