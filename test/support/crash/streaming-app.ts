import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../processes/programs/streaming-app.ts', import.meta.url))

export interface StreamingAppOptions {
  readonly database: string
  readonly dataDir: string
  readonly mode: 'mapped' | 'written'
  readonly flushIntervalMs: number
  /** Chunks of each stream; every chunk has three tokens. */
  readonly chunks: number
  /** File that gets a line `<number of the stream> <tokens so far>` before each `setUsage`. */
  readonly setFile: string
}

/** An app that streams, in a process of its own. */
export interface StreamingApp {
  readonly url: string
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>
  terminate(): Promise<void>
}

export async function startStreamingApp(options: StreamingAppOptions): Promise<StreamingApp> {
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await exited
  }
  const [hello] = (await Promise.race([once(child.stdout, 'data'), exited])) as [unknown]
  if (!Buffer.isBuffer(hello)) throw new Error('The app ended before it listened.')
  const { url, mode } = JSON.parse(hello.toString()) as { url: string; mode: string }
  if (mode !== options.mode) throw new Error(`The app counts in mode ${mode}, not ${options.mode}.`)
  return { url, kill: () => end('SIGKILL'), terminate: () => end('SIGTERM') }
}

/**
 * Reads a stream of server-sent events.
 * @param most aborts the request once this many tokens were seen
 * @param onTokens called for each chunk, with the tokens so far
 * @returns the tokens of the last whole chunk that arrived
 */
export function readStream(
  url: string,
  customer: string,
  { most = Infinity, onTokens = () => {} }: { most?: number; onTokens?: (tokens: number) => void } = {},
): Promise<number> {
  return new Promise((resolve) => {
    let seen = 0
    let text = ''
    const sent = request(url, { headers: { 'x-customer': customer } })
    sent.once('error', () => resolve(seen))
    sent.once('response', (response) => {
      response.once('error', () => resolve(seen))
      response.once('close', () => resolve(seen))
      response.on('data', (data: Buffer) => {
        text += data.toString()
        const events = text.split('\n\n')
        text = events.pop()!
        for (const event of events) {
          seen = Number(event.slice('data: '.length))
          onTokens(seen)
        }
        if (seen >= most) sent.destroy()
      })
    })
    sent.end()
  })
}
