/** The same where the compiler does not know yet that Node's `require` loads ES modules: module `node16`. */
import type { AnalyticsOptions } from 'apikey-analytics' with { 'resolution-mode': 'import' }

async function start(options: AnalyticsOptions): Promise<void> {
  const { apiKeyAnalytics } = await import('apikey-analytics')
  const analytics = apiKeyAnalytics(options)
  analytics.addEndpointAccess({ id: 'key_1' }, 'POST /jobs')
  process.stdout.write(String(analytics.stats().counted))
  await analytics.close()
}

void start({ dataDir: process.env['APP_DATA_DIR'] })
