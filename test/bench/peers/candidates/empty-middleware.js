/** An async middleware that does nothing: what is left when counting costs nothing. */
export default function install(app) {
  app.use(async (_ctx, next) => {
    await next()
  })
}
