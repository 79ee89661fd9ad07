/**
 * Counts all the time, on a day that a file names, and notes every request in a file when it is counted, one line per
 * request or late quantity: day, key, endpoint, status, requests, tokens. Delivers every 150 ms.
 */
import { openSync, readFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'koa'
import { startAnalytics } from '../../../../src/analytics.ts'
import { addUsage, setApiKey, setEndpoint, setUsage } from '../../../../src/index.ts'
import { DAY_MS, FIRST_DAY, TOKENS_AT_ONCE, TOKENS_LATE } from '../../crash/counted-days.ts'
import type { CountDaysOptions } from '../../crash/counted-days.ts'

const { database, dataDir, today, noted, seed, dieAfter } = JSON.parse(process.argv[2]!) as CountDaysOptions
const { pid } = process
// In a container every process has the same id, the dead one as well as the one that recovers it.
Object.defineProperty(process, 'pid', { value: 1 })
let day = readDay()
let now = FIRST_DAY + day * DAY_MS

const notes = openSync(noted, 'a')
const note = (...fields: (string | number)[]) => writeSync(notes, `\n${fields.join(' ')};`)
const analytics = startAnalytics(
  {
    database,
    dataDir,
    flushIntervalMs: 150,
    units: ['tokens'],
    onError: ({ code, message }) => {
      // the test cuts wires
      if (code === 'DATABASE_UNREACHABLE' || code === 'DATABASE_BUSY') return
      process.stderr.write(`${code}: ${message}\n`)
      process.exit(1)
    },
  },
  () => now,
)
for (let count = seed; ; count++) {
  const current = readDay()
  if (current !== day) now = FIRST_DAY + (day = current) * DAY_MS
  // at most until the last minute of the day
  now = Math.min(now + (count % 7) * 60_000, FIRST_DAY + (day + 1) * DAY_MS - 60_000)
  const fields = [day, `customer-${count % 5}`, `/things/${count % 3}`, count % 6 === 0 ? 500 : 200] as const
  await countOne(fields)
  if (count - seed + 1 === dieAfter) process.kill(pid, 'SIGKILL')
  if (dieAfter === undefined && count % 3 === 0) await sleep(count % 29)
}

async function countOne(fields: readonly [number, string, string, number]): Promise<void> {
  const [, id, endpoint, status] = fields
  const ctx = {
    req: { headers: {}, method: 'GET' },
    res: { statusCode: status },
    originalUrl: endpoint,
    path: endpoint,
    state: {},
  } as unknown as Context
  setApiKey(ctx, { id })
  setEndpoint(ctx, endpoint)
  await analytics(ctx, async () => setUsage(ctx, 'tokens', TOKENS_AT_ONCE))
  note(...fields, 1, TOKENS_AT_ONCE)
  // as a stream does, whose request was counted when it began
  addUsage(ctx, 'tokens', TOKENS_LATE)
  note(...fields, 0, TOKENS_LATE)
}

function readDay(): number {
  return Number(readFileSync(today, 'utf8'))
}
