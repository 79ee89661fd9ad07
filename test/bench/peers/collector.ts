/**
 * Stands for the services that the peers send to, and for a Prometheus that scrapes: a process of its own on loopback
 * that only counts how many requests it was told of. Messages: a URL to scrape from now on, or nothing: then it
 * answers how many requests it knows, and forgets them.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { createGunzip } from 'node:zlib'

/** As in the configuration that comes with Prometheus. */
const SCRAPE_INTERVAL_MS = 15_000

interface ApitallySync {
  readonly requests: readonly { readonly request_count: number }[]
}
interface LogRequest {
  readonly requests: readonly unknown[]
}
interface OtlpPoints {
  readonly dataPoints: readonly { readonly count: number | string }[]
}
interface OtlpExport {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly { readonly name: string; readonly histogram?: OtlpPoints }[]
    }[]
  }[]
}

let known = 0
let scraping: NodeJS.Timeout | undefined

const server = createServer(async (req, res) => {
  const path = req.url!.split('?', 1)[0]!
  try {
    if (path.endsWith('/sync')) known += sumRequests(await readBody<ApitallySync>(req))
    else if (path.endsWith('/events/batch')) known += (await readBody<unknown[]>(req)).length
    else if (path.endsWith('/log-request')) known += (await readBody<LogRequest>(req)).requests.length
    else if (path.endsWith('/v1/metrics')) known = sumPoints(await readBody<OtlpExport>(req))
    else req.resume()
  } catch {
    // The sender was killed in the middle: what it sent is not known.
    res.destroy()
    return
  }
  res.setHeader('content-type', 'application/json')
  res.end(path.endsWith('/rules') ? '[]' : '{}')
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')

process.on('message', (message: { readonly scrape?: string }) => {
  clearInterval(scraping)
  if (message.scrape) {
    const url = message.scrape
    known = 0
    scraping = setInterval(() => void scrape(url), SCRAPE_INTERVAL_MS)
  } else {
    process.send!({ known })
    known = 0
  }
})
process.on('disconnect', () => process.exit())
process.send!({ port: (server.address() as AddressInfo).port })

async function readBody<Body>(req: IncomingMessage): Promise<Body> {
  return (await json(req.headers['content-encoding'] === 'gzip' ? req.pipe(createGunzip()) : req)) as Body
}

async function scrape(url: string): Promise<void> {
  try {
    known = sumSamples(await (await fetch(url)).text())
  } catch {
    // It was killed; the last scrape is what is known.
  }
}

function sumRequests({ requests }: ApitallySync): number {
  return requests.reduce((sum, { request_count: count }) => sum + count, 0)
}

/** Exports are cumulative: the last one tells all. */
function sumPoints({ resourceMetrics }: OtlpExport): number {
  return resourceMetrics
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(({ metrics }) => metrics)
    .filter(({ name }) => name === 'http.server.request.duration')
    .flatMap(({ histogram }) => histogram?.dataPoints ?? [])
    .reduce((sum, { count }) => sum + Number(count), 0)
}

/** The counter of prom-client, or that of swagger-stats. */
function sumSamples(text: string): number {
  const lines = text.match(/^(?:http_requests_total|api_all_request_total)(?:\{.*\})? .+$/gm) ?? []
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
