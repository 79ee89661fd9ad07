/** A histogram of OpenTelemetry's SDK by hand: the only way to have the key as an attribute. */
import { startMeterProvider } from './start-meter-provider.js'

export default function install(app, { collectorUrl }) {
  const durations = startMeterProvider(collectorUrl)
    .getMeter('bench')
    .createHistogram('http.server.request.duration', { unit: 's' })
  app.use(async (ctx, next) => {
    const startedAt = performance.now()
    await next()
    durations.record((performance.now() - startedAt) / 1000, {
      'api.key': ctx.state.apiKey?.id,
      'http.request.method': ctx.method,
      'http.route': ctx._matchedRoute,
      'http.response.status_code': ctx.status,
    })
  })
}
