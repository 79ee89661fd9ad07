/** A counter, and with `histogram` also the durations, by the labels that apikey-analytics counts by. */
import { serveMetrics } from './serve-metrics.js'

const labelNames = ['key', 'method', 'endpoint', 'status']

/** @param options `library`: prom-client, or a fork of it with the same functions */
export default async function install(app, { library = 'prom-client', histogram }) {
  const { Counter, Histogram, register } = await import(library)
  const requests = new Counter({ name: 'http_requests_total', help: 'Requests.', labelNames })
  const durations =
    histogram && new Histogram({ name: 'http_request_duration_seconds', help: 'Seconds.', labelNames })
  serveMetrics(app, () => register.metrics())
  app.use(async (ctx, next) => {
    const startedAt = durations && performance.now()
    await next()
    const labels = {
      key: ctx.state.apiKey?.id,
      method: ctx.method,
      endpoint: ctx._matchedRoute,
      status: ctx.status,
    }
    requests.inc(labels)
    durations?.observe(labels, (performance.now() - startedAt) / 1000)
  })
}
