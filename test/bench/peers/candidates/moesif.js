/** As its guide for Koa says. */
import moesif from 'moesif-nodejs'

export default function install(app, { collectorUrl }) {
  app.use(
    moesif({
      // It wants something that looks like an id.
      applicationId: 'bench'.repeat(12),
      baseUri: collectorUrl,
      identifyUser: (req) => req.state?.apiKey?.id,
    }),
  )
}
