/** Counts, flushes and closes, and prints which packages the app's own thread loaded; its argument has the options. */
import { registerHooks } from 'node:module'
import type { AnalyticsOptions } from '../../../../src/index.ts'

const packages = new Set<string>()
registerHooks({
  load(url, context, next) {
    const name = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(url)?.[1]
    if (name) packages.add(name)
    return next(url, context)
  },
})
const { apiKeyAnalytics } = await import('../../../../src/index.ts')
const analytics = apiKeyAnalytics(JSON.parse(process.argv[2]!) as AnalyticsOptions)
analytics.addEndpointAccess({ id: 'job' }, 'POST /jobs')
await analytics.flush()
const { flushed } = analytics.stats()
await analytics.close()
process.stdout.write(JSON.stringify({ flushed, packages: [...packages] }))
