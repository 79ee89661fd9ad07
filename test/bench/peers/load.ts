import { openConnection, type Connection } from './connection.ts'
import type { NextRequest } from './traffic.ts'

const LANES = 12
/** Requests to one server before the next one gets them: some 50 to 100 ms, for each turn begins with cold caches. */
const TURN = 2400

/** When a load ends by itself: after so long, or after so many requests to each server. */
export interface LoadEnd {
  readonly ms: number
  readonly requests?: number
}

/** What was sent to each server and what it answered; they differ where a server went away. */
export interface LoadResult {
  readonly sent: number[]
  readonly answered: number[]
}

/**
 * Sends the same requests to every server, `TURN` to one and then to the next: all get the same number at the same
 * time, whatever else the machine does hits all of them, and within its turn a server runs with warm caches, as one
 * under load does. Taking turns request by request would measure the changing of processes. Meanwhile this process
 * never sleeps: a server that answers somebody who sleeps wakes him in its own time, and more often the slower it is.
 */
export async function runLoad(
  ports: readonly number[],
  next: NextRequest,
  end: LoadEnd,
): Promise<LoadResult> {
  const result = { sent: ports.map(() => 0), answered: ports.map(() => 0) }
  const deadline = performance.now() + end.ms
  let left = end.requests ?? Infinity
  const lanes = await Promise.all(ports.map((port) => openLanes(port)))
  let isOver = false
  const stayAwake = () => void (isOver || setImmediate(stayAwake))
  stayAwake()
  const broken = Promise.race(lanes.flat().map(({ closed }) => closed)).then(() => true)
  try {
    while (performance.now() < deadline && left > 0) {
      const requests = Array.from({ length: Math.min(TURN, left) }, next)
      left -= requests.length
      for (const [server, connections] of lanes.entries()) {
        const turn = Promise.all(connections.map((lane, n) => runLane(lane, requests, n, server, result)))
        if (await Promise.race([turn.then(() => false), broken])) return result
      }
    }
    return result
  } finally {
    isOver = true
    for (const lane of lanes.flat()) lane.close()
  }
}

const openLanes = (port: number): Promise<Connection[]> =>
  Promise.all(Array.from({ length: LANES }, () => openConnection(port)))

/** Sends every request of a turn that falls to this lane, each after the answer to the one before. */
function runLane(
  connection: Connection,
  requests: readonly string[],
  lane: number,
  server: number,
  { sent, answered }: LoadResult,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const ask = (index: number): void => {
      if (index >= requests.length) return resolve()
      sent[server]! += 1
      connection.send(requests[index]!, (status) => {
        if (status !== 200) reject(new Error(`A server answered with ${status} instead of 200.`))
        answered[server]! += 1
        ask(index + LANES)
      })
    }
    ask(lane)
  })
}
