/** As its guide says; the key is its "user id". It stores the path as requested, it knows no routes. */
import { Config, koaAnalytics } from 'node-api-analytics'

export default function install(app, { collectorUrl }) {
  const config = new Config()
  config.serverUrl = collectorUrl
  config.getUserID = (ctx) => ctx.state.apiKey?.id
  app.use(koaAnalytics('bench', config))
}
