import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Context } from 'koa'
import { apiKeyAnalytics } from '../analytics.ts'
import { setApiKey } from '../capture/key/set-api-key.ts'
import { AnalyticsError } from '../model/errors.ts'
import { apiKeyUsage } from '../self-service/api-key-usage.ts'
import { loadKoa } from '../web/load-koa.ts'
import { SAMPLE_CLIENTS } from './sample-traffic.ts'

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
}
const CUSTOMERS = [...new Set(SAMPLE_CLIENTS.flatMap(({ key }) => key?.owner ?? []))]

/** The portal of the sample API: a page where each of its customers sees its own usage. */
export interface ServedPortal {
  readonly url: string
  close(): Promise<void>
}

/** Serves the portal to this machine only; port 0 means any free port. @throws WRONG_USAGE when the port is in use */
export async function servePortal({
  port: wanted,
  database,
  dataDir,
}: {
  readonly port: number
  readonly database: string
  readonly dataDir: string
}): Promise<ServedPortal> {
  const Koa = await loadKoa()
  const server = createServer()
  server.listen(wanted, '127.0.0.1')
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw new AnalyticsError('WRONG_USAGE', `Cannot listen on port ${wanted} (${error.code}). Pass --port.`, {
      cause: error,
    })
  })
  const { port } = server.address() as AddressInfo
  const hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`])
  const analytics = apiKeyAnalytics({ database, dataDir, endpoint: 'path', ignore: ['/'] })
  const app = new Koa()
  app.use((ctx, next) => (hosts.has(ctx.get('Host')) ? next() : ctx.throw(403)))
  app.use(analytics)
  app.use(signIn)
  app.use(apiKeyUsage())
  app.use(showPage)
  server.on('request', app.callback())
  return {
    url: `http://127.0.0.1:${port}/`,
    async close() {
      server.close()
      server.closeAllConnections()
      await analytics.close()
    },
  }
}

/** Stands for a login: whoever opens `/?customer=Acme` is Acme from then on. */
function signIn(ctx: Context, next: () => Promise<unknown>): Promise<unknown> | undefined {
  const wanted = CUSTOMERS.indexOf(String(ctx.query['customer']))
  if (ctx.path === '/' && wanted >= 0) {
    ctx.cookies.set('customer', String(wanted), { httpOnly: true, sameSite: 'strict' })
    ctx.redirect('/')
    return undefined
  }
  const owner = CUSTOMERS[Number(ctx.cookies.get('customer') ?? 0)]
  if (owner !== undefined) setApiKey(ctx, { id: `portal of ${owner}`, owner })
  return next()
}

function showPage(ctx: Context): void {
  if (ctx.path !== '/') return
  ctx.set(HEADERS)
  ctx.type = 'text/html'
  const links = CUSTOMERS.map((name) => `<a href="/?customer=${encodeURIComponent(name)}">${name}</a>`)
  ctx.body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Portal of the sample API</title>
<script type="module" src="/v1/usage/api-usage.js"></script>
<main>
<h1>Portal of the sample API</h1>
<p>Sign in as ${links.join(', ')}.</p>
<api-usage></api-usage>
</main>
</html>
`
}
