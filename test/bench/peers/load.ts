import { openConnection, type Connection } from './connection.ts'
import type { NextRequest } from './traffic.ts'

const LANES = 12

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
 * Sends the same requests to every server. Each lane asks one server after the other and waits for each answer, so
 * all get the same number at the same time, and whatever else the machine does hits all of them.
 */
export async function runLoad(
  ports: readonly number[],
  next: NextRequest,
  end: LoadEnd,
): Promise<LoadResult> {
  const result = { sent: ports.map(() => 0), answered: ports.map(() => 0) }
  const deadline = performance.now() + end.ms
  let cycles = end.requests ?? Infinity
  const mayGoOn = () => performance.now() < deadline && cycles-- > 0
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      const connections = await Promise.all(ports.map(openConnection))
      await Promise.race([
        runLane(connections, next, mayGoOn, result),
        ...connections.map((each) => each.closed),
      ])
      for (const connection of connections) connection.close()
    }),
  )
  return result
}

function runLane(
  connections: readonly Connection[],
  next: NextRequest,
  mayGoOn: () => boolean,
  { sent, answered }: LoadResult,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const ask = (request: string, index: number): void => {
      sent[index]! += 1
      connections[index]!.send(request, (status) => {
        if (status !== 200) reject(new Error(`A server answered with ${status} instead of 200.`))
        answered[index]! += 1
        if (index + 1 < connections.length) ask(request, index + 1)
        else begin()
      })
    }
    const begin = (): void => {
      if (mayGoOn()) ask(next(), 0)
      else resolve()
    }
    begin()
  })
}
