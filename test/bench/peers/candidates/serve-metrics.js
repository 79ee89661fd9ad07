/** Answers a scrape before any other middleware sees it. */
export function serveMetrics(app, read) {
  app.use(async (ctx, next) => {
    if (ctx.path !== '/metrics') return next()
    ctx.body = await read()
    return undefined
  })
}
