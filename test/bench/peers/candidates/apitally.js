/** As its guide for Koa says; the address of its hub comes from APITALLY_HUB_BASE_URL. */
import { setConsumer, useApitally } from 'apitally/koa'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

export default function install(app, { collectorUrl }) {
  process.env.APITALLY_HUB_BASE_URL = collectorUrl
  useApitally(app, { clientId: '76b5cb91-a0a4-4ea0-a894-57d2b9fcb2c9', env: 'dev', logger: silent })
  return { onKey: (ctx, key) => setConsumer(ctx, key.id) }
}
