/** A user's CommonJS module, compiled against the built package and run. */
import { apiKeyAnalytics, type AnalyticsOptions, type ApiKeyAnalytics } from 'apikey-analytics'
import Koa = require('koa')

const options: AnalyticsOptions = { dataDir: process.env['APP_DATA_DIR'] }
const analytics: ApiKeyAnalytics = apiKeyAnalytics(options)
new Koa().use(analytics)
analytics.addEndpointAccess({ id: 'key_1' }, 'POST /jobs')
process.stdout.write(String(analytics.stats().counted))
void analytics.close()
