/** The instrumentation of node:http with metrics and no traces; it has no place for the key. */
import { createRequire } from 'node:module'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { startMeterProvider } from './start-meter-provider.js'

export default function install(_app, { collectorUrl }) {
  const meterProvider = startMeterProvider(collectorUrl)
  registerInstrumentations({ meterProvider, instrumentations: [new HttpInstrumentation()] })
  // It changes the module when somebody requires it.
  createRequire(import.meta.url)('node:http')
}
