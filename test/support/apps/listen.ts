import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An HTTP server on a free port of loopback. */
export interface Listening {
  readonly url: string
  readonly port: number
  /** Ends it with all its connections. */
  readonly close: () => Promise<void>
}

/**
 * Serves on a free port of loopback. The server ends no idle connection: by default it does after five seconds. On a
 * busy machine a process may stand still for longer, and its next request then goes into a connection that is ending.
 */
export async function listen(served: RequestListener | Server): Promise<Listening> {
  const server = typeof served === 'function' ? createServer(served) : served
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
