import { once } from 'node:events'
import { request } from 'node:http'

const KEY = { 'x-api-key': 'a-key-of-more-than-20-characters' }

/** Sends one request such as `GET /path` as it is, without normalising anything, and gives the status of the answer. */
export async function send(
  url: string,
  line: string,
  headers: Record<string, string> = KEY,
): Promise<number> {
  const [method, path] = line.split(' ')
  const outgoing = request(url, { method, path, headers, agent: false }).end()
  const [incoming] = await once(outgoing, 'response')
  for await (const _chunk of incoming) continue
  return incoming.statusCode
}
