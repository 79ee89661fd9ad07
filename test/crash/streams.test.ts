import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { setUsage } from '../../src/index.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { HOUR } from '../support/usage/make-batch.ts'
import { randomInteger, seededRandom } from '../support/random.ts'
import { readAccounts, recover } from '../support/crash/recover.ts'
import { readQuantities, serveUnits } from '../support/apps/serve-units.ts'
import { readStream, startStreamingApp } from '../support/crash/streaming-app.ts'

const CHUNKS = 1000
const TOKENS = CHUNKS * 3
const seed = Math.floor(Math.random() * 2 ** 32)

forEachDatabase(`streams of ${CHUNKS} chunks (seed ${seed})`, (kind, makeUrl) => {
  const random = seededRandom(seed)
  const mode = kind === 'sqlite' ? 'mapped' : 'written'
  let database: string
  let dataDir: string
  let setFile: string
  let db: Database

  beforeEach(async () => {
    database = await makeUrl()
    db = await openDatabase(database)
    dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-streams-'))
    setFile = join(dataDir, 'set')
    writeFileSync(setFile, '')
  })
  afterEach(async () => {
    await db.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const start = () =>
    startStreamingApp({ database, dataDir, mode, flushIntervalMs: 100, chunks: CHUNKS, setFile })
  /** Tokens that each stream was about to set last, in the order in which streams began. */
  const lastSet = (): number[] => {
    const lines = readFileSync(setFile, 'utf8').trim().split('\n')
    const last = new Map(lines.map((line) => line.split(' ').map(Number) as [number, number]))
    return [...last.values()]
  }
  const tokensOf = async (): Promise<Record<string, number>> => {
    const read = Object.entries(await readQuantities(database, 'endpoint'))
    return Object.fromEntries(
      read.map(([path, { tokens }]) => [path, Number((tokens as [number, bigint])[1])]),
    )
  }

  test('have the last value, not the sum of all; one that its client leaves has what was set until then', async () => {
    const app = await start()
    const left = randomInteger(random, 3, TOKENS / 2)
    const [whole, part] = await Promise.all([
      readStream(`${app.url}/whole`, 'acme'),
      readStream(`${app.url}/left`, 'acme', { most: left }),
    ])
    expect(whole).toBe(TOKENS)
    await app.terminate()
    await recover(database, dataDir)
    const [first, second] = lastSet()
    const stored = await tokensOf()
    expect(stored['/whole']).toBe(TOKENS)
    expect([first, second]).toContain(stored['/left'])
    expect(stored['/left']).toBeGreaterThanOrEqual(part)
    expect((await readAccounts(db, dataDir)).problems).toEqual([])
    const { acme } = await readQuantities(database)
    expect(acme).toMatchObject({ requests: 2, tokens: [2, expect.anything()] })
  })

  test('of a process that is killed at a random chunk have what was set last', async () => {
    for (let round = 0; round < 6; round += 1) {
      writeFileSync(setFile, '')
      const before = (await tokensOf())[`/${round}`] ?? 0
      expect(before).toBe(0)
      const app = await start()
      const at = randomInteger(random, 3, TOKENS - 3)
      let killing: Promise<void> | undefined
      const seen = await readStream(`${app.url}/${round}`, 'acme', {
        onTokens: (tokens) => {
          if (tokens >= at) killing ??= app.kill()
        },
      })
      await killing
      await recover(database, dataDir)
      const [set] = lastSet()
      const stored = (await tokensOf())[`/${round}`]!
      // what the client saw is stored, and never more than what the app was about to set
      expect(stored).toBeGreaterThanOrEqual(seen)
      expect(stored).toBeLessThanOrEqual(set!)
      expect(seen).toBeGreaterThanOrEqual(at)
      expect((await readAccounts(db, dataDir)).problems).toEqual([])
    }
  })

  test('over the end of a bucket belong to each bucket with what was set in it', async () => {
    await using app = await serveUnits(database, { units: ['tokens'], bucket: 'minute' })
    const stream = new PassThrough()
    let set = (_tokens: number) => {}
    const answer = app.request((ctx) => {
      set = (tokens) => setUsage(ctx, 'tokens', tokens)
      ctx.body = stream
      stream.write('.')
    })
    await expect.poll(() => app.analytics.stats().counted).toBe(1)
    const begin = app.now
    for (let chunk = 1; chunk <= CHUNKS; chunk += 1) {
      app.now = begin + chunk * 180
      set(chunk * 3)
      // flushes in between, also while the clock passes the end of a minute
      if (chunk % 100 === 50) await app.analytics.flush()
    }
    stream.end()
    await answer
    const minutes = await app.read('hour')
    expect(minutes).toEqual({ [String(new Date(HOUR))]: { requests: 1, tokens: [1, BigInt(TOKENS)] } })
    const rows = await db.query<{ quantity: string | number; request_count: string | number }>(
      'select quantity, request_count from api_key_analytics_quantities order by bucket',
    )
    // a chunk every 180 ms; the request was counted in the first minute, and the last chunk comes as the fourth begins
    expect(rows.map((row) => [Number(row.quantity), Number(row.request_count)])).toEqual([
      [999, 1],
      [999, 0],
      [999, 0],
      [3, 0],
    ])
  })
})
