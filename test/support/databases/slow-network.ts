import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const PIECE_BYTES = 2048

/** A server's URL through a relay that lets 2 kB through to it every `pauseMs`; answers come at once. */
export async function startSlowNetwork(
  url: string,
  pauseMs: number,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    }
    upstream.pipe(client)
    void send(client, upstream).catch(() => upstream.destroy())
  }).listen(0, '127.0.0.1')

  async function send(from: Socket, to: Socket): Promise<void> {
    for await (const bytes of from as AsyncIterable<Buffer>) {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        to.write(bytes.subarray(at, at + PIECE_BYTES))
        if (at + PIECE_BYTES < bytes.length) await sleep(pauseMs)
      }
    }
    to.end()
  }

  await once(server, 'listening')
  const relayed = new URL(url)
  relayed.port = String((server.address() as AddressInfo).port)
  return {
    url: relayed.href,
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
