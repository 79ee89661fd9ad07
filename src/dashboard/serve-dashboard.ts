import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DatabaseLocation } from '../options/database-location.ts'
import { AnalyticsError } from '../model/errors.ts'
import { loadKoa } from '../web/load-koa.ts'
import { analyticsDashboard } from './dashboard.ts'
import { Session } from './session.ts'

/** A dashboard that is being served. */
export interface ServedDashboard {
  /** The link with the token, which lets in one browser, once. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves the dashboard to this machine only; port 0 means any free port. @throws WRONG_USAGE when the port is in use,
 * KOA_NOT_FOUND
 */
export async function serveDashboard({
  port: wanted,
  database,
  dataDir,
}: DatabaseLocation & { port: number }): Promise<ServedDashboard> {
  const Koa = await loadKoa()
  const server = createServer()
  server.listen(wanted, '127.0.0.1')
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw new AnalyticsError('WRONG_USAGE', `Cannot listen on port ${wanted} (${error.code}). Pass --port.`, {
      cause: error,
    })
  })
  const { port } = server.address() as AddressInfo
  const session = new Session(port)
  const dashboard = analyticsDashboard({
    prefix: '',
    database,
    dataDir,
    hosts: [`127.0.0.1:${port}`, `localhost:${port}`],
    authorize: (ctx) => session.authorize(ctx),
  })
  const app = new Koa().use(dashboard)
  app.on('error', (error: NodeJS.ErrnoException) => {
    // somebody left a download
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') app.onerror(error)
  })
  server.on('request', app.callback())
  return {
    url: `http://127.0.0.1:${port}/?token=${session.token}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await dashboard.close()
    },
  }
}
