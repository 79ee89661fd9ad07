import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the proxy does to the wires: nothing, cut them when a COMMIT is through, or cut and delay at random. */
export type Weather = 'calm' | 'cut after commit' | 'stormy'

/** A wire to PostgreSQL that a test can cut. */
export interface TcpProxy {
  /** The URL of the database through the proxy. */
  readonly url: string
  /** Cuts so far: those that swallowed the answer to a COMMIT, and the others. */
  readonly cuts: { afterCommit: number; anywhere: number }
  weather: Weather
  close(): Promise<void>
}

const LONGEST_DELAY_MS = 5
const CUT_PROBABILITY = 0.15

/** Starts a proxy on loopback in front of the server that `url` names. */
export async function startTcpProxy(url: string, random: () => number): Promise<TcpProxy> {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    const close = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', close).on('close', () => {
        sockets.delete(socket)
        close()
      })
    }
    let committing = false
    const findCommit = createCommitFinder()
    void forward(client, upstream, (bytes) => {
      if (findCommit(bytes)) committing = proxy.weather === 'cut after commit'
      return false
    })
    // The server's answer shows that the COMMIT is done: only now is the cut after it, and before its answer.
    void forward(upstream, client, () => {
      if (!committing) return false
      proxy.cuts.afterCommit += 1
      close()
      return true
    })
  }).listen(0, '127.0.0.1')

  async function forward(from: Socket, to: Socket, swallow: (bytes: Buffer) => boolean): Promise<void> {
    try {
      for await (const bytes of from as AsyncIterable<Buffer>) {
        if (proxy.weather === 'stormy') {
          await sleep(random() * LONGEST_DELAY_MS)
          if (random() < CUT_PROBABILITY) {
            proxy.cuts.anywhere += 1
            // Half of the bytes arrive: a cut does not keep to the borders of messages.
            to.write(bytes.subarray(0, bytes.length / 2))
            to.destroySoon()
            from.destroy()
            return
          }
        }
        if (swallow(bytes)) return
        to.write(bytes)
      }
      to.end()
    } catch {
      // the other direction was cut
    }
  }

  await once(server, 'listening')
  const proxied = new URL(url)
  proxied.port = String((server.address() as AddressInfo).port)
  const proxy: TcpProxy = {
    url: proxied.href,
    cuts: { afterCommit: 0, anywhere: 0 },
    weather: 'calm',
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
  return proxy
}

/**
 * Follows what a client says to PostgreSQL: one message without a type at the start, then a type byte, a length and a
 * body each. @returns true for bytes that complete a COMMIT, as a simple query or as a statement to be parsed
 */
function createCommitFinder(): (bytes: Buffer) => boolean {
  let rest = Buffer.alloc(0)
  let typeBytes = 0
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    let found = false
    while (rest.length >= typeBytes + 4 && rest.length >= typeBytes + rest.readUInt32BE(typeBytes)) {
      const end = typeBytes + rest.readUInt32BE(typeBytes)
      const message = rest.subarray(0, end)
      const isStatement = typeBytes === 1 && 'QP'.includes(String.fromCharCode(message[0]!))
      found ||= isStatement && /^\0*commit\0/i.test(message.toString('latin1', 5))
      rest = rest.subarray(end)
      typeBytes = 1
    }
    return found
  }
}
