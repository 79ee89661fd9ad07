import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** One keep-alive connection, with one request at a time: as light as a client can be. */
export interface Connection {
  /** Calls back with the status once the whole answer is here; never, when the connection breaks before. */
  send(request: string, onAnswer: (status: number) => void): void
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>
  close(): void
}

export async function openConnection(port: number): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  socket.setEncoding('latin1')
  let waiting: ((status: number) => void) | undefined
  let received = ''
  socket.on('data', (text: string) => {
    received += text
    if (!isWhole(received)) return
    const status = Number(received.slice(9, 12))
    received = ''
    const answered = waiting
    waiting = undefined
    answered?.(status)
  })
  return {
    send(request, onAnswer) {
      waiting = onAnswer
      socket.write(request, 'latin1')
    },
    closed: closing(socket),
    close: () => socket.destroy(),
  }
}

function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    // What a kill does to it is no error here: the answers that came are counted.
    socket.on('error', () => {})
    socket.once('close', () => resolve())
  })
}

/** Koa tells the length of every answer of the sample app. */
function isWhole(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n')
  if (head < 0) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1]
  if (length === undefined) throw new Error(`An answer without a length: ${answer.slice(0, head)}`)
  return answer.length >= head + 4 + Number(length)
}
