/** As its guide for Koa says; `express-to-koa`, which that names, is the promise around it. */
import swaggerStats from 'swagger-stats'
import { serveMetrics } from './serve-metrics.js'

export default function install(app) {
  const middleware = swaggerStats.getMiddleware({})
  serveMetrics(app, () => swaggerStats.getPromStats())
  app.use(
    (ctx, next) =>
      new Promise((resolve, reject) => {
        middleware(ctx.req, ctx.res, (error) => (error ? reject(error) : resolve(next())))
      }),
  )
}
