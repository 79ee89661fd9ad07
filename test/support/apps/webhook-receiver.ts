import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

/** A message that arrived, verified with the library that receivers use. */
export interface ReceivedMessage {
  readonly id: string
  readonly message: {
    readonly type: string
    readonly timestamp: string
    readonly data: Record<string, unknown>
  }
  readonly body: string
  readonly headers: IncomingMessage['headers']
}

/**
 * What it does after it has a message: an answer with a status, no answer at all, a cut connection, or an answer whose
 * body never ends.
 */
export type Behaviour = number | 'hang' | 'drop' | 'flood'

/** A real HTTP server that receives webhooks on the loopback interface. */
export class WebhookReceiver {
  readonly secret = `whsec_${randomBytes(32).toString('base64')}`
  readonly received: ReceivedMessage[] = []
  /** Why messages were not valid; stays empty. */
  readonly invalid: string[] = []
  behaviour: Behaviour | ((message: ReceivedMessage) => Behaviour) = 204
  /** Where a redirect leads. */
  location: string | undefined
  #server: Server | undefined
  #port = 0

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver()
    await receiver.comeBack()
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hooks/token-in-path`
  }

  /** Its name where it is not given one. */
  get name(): string {
    return `127.0.0.1:${this.#port}`
  }

  get ids(): string[] {
    return this.received.map(({ id }) => id)
  }

  /** Listens, on the same port as before. */
  async comeBack(): Promise<void> {
    this.#server = createServer((request, response) => void this.#receive(request, response))
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** From now on connections to it are refused. */
  async leave(): Promise<void> {
    this.#server?.closeAllConnections()
    const closed = this.#server && once(this.#server, 'close')
    this.#server?.close()
    await closed
    this.#server = undefined
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const message = this.#verify(request, body)
    const given = this.behaviour
    const behaviour = typeof given === 'function' ? given(message) : given
    if (behaviour === 'hang') return
    if (behaviour === 'drop') return void request.socket.destroy()
    if (behaviour === 'flood') {
      response.writeHead(200)
      const flood = (): void => void (response.destroyed || response.write('x'.repeat(65_536), flood))
      return flood()
    }
    response.writeHead(behaviour, this.location === undefined ? {} : { location: this.location }).end('no')
  }

  #verify({ headers }: IncomingMessage, body: string): ReceivedMessage {
    const id = String(headers['webhook-id'])
    let message = { type: 'invalid', timestamp: '', data: {} }
    try {
      message = new Webhook(this.secret).verify(body, headers as Record<string, string>) as typeof message
    } catch (error) {
      this.invalid.push(String(error))
    }
    const received = { id, message, body, headers }
    this.received.push(received)
    return received
  }
}
