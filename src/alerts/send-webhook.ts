import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Webhook as Signer } from 'standardwebhooks'
import type { Webhook } from './webhook.ts'

/** A receiver should store a message and answer at once. */
export const TIMEOUT_MS = 15_000
/** The body of an answer is not used; a longer one is not read to its end. */
const MOST_BYTES = 64 * 1024

/** One message, as Standard Webhooks describes it. */
export interface Message {
  /** The same in every attempt. */
  readonly id: string
  readonly body: string
}

/** What an attempt led to. `gone`: the receiver wants no more messages. */
export type AttemptResult =
  | { readonly result: 'delivered' }
  | { readonly result: 'failed' | 'gone'; readonly error: string }

/**
 * Sends a message once, signed for this attempt. Follows no redirect, because the message is for one receiver. Never
 * throws; no error contains the URL or a secret.
 */
export async function sendWebhook(
  { url, secrets }: Webhook,
  { id, body }: Message,
  { now, timeoutMs = TIMEOUT_MS }: { readonly now: number; readonly timeoutMs?: number },
): Promise<AttemptResult> {
  const at = new Date(now)
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'apikey-analytics',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    'webhook-signature': secrets.map((secret) => new Signer(secret).sign(id, at, body)).join(' '),
  }
  try {
    return judge(await post(url, headers, body, AbortSignal.timeout(timeoutMs)))
  } catch (error) {
    return { result: 'failed', error: describe(error, timeoutMs) }
  }
}

/** @returns the status of the answer */
function post(
  url: URL,
  headers: Readonly<Record<string, string | number>>,
  body: string,
  signal: AbortSignal,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  const request = send(url, { method: 'POST', headers, signal }, (response) => {
    drain(response)
    resolve(response.statusCode ?? 0)
  })
  request.on('error', reject)
  request.end(body)
  return promise
}

/** Reads an answer so that its connection can be used again, but not an endless one. */
function drain(response: IncomingMessage): void {
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MOST_BYTES) response.destroy()
  })
  // the status has arrived: what happens to the rest of the answer changes nothing
  response.on('error', () => {})
}

function judge(status: number): AttemptResult {
  if (status >= 200 && status < 300) return { result: 'delivered' }
  if (status === 410) return { result: 'gone', error: 'answered 410 Gone' }
  const redirect = status >= 300 && status < 400 ? ': redirects are not followed, give the new URL' : ''
  return { result: 'failed', error: `answered ${status}${redirect}` }
}

/** The kind of an error: its message may contain the address. */
function describe(error: unknown, timeoutMs: number): string {
  const { name, code } = error as NodeJS.ErrnoException
  if (name === 'AbortError' || name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`
  return typeof code === 'string' ? code : name
}
