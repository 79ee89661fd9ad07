import { expect, test } from 'vitest'
import { makeDatabase } from '../support/databases/databases.ts'
import { seededRandom } from '../support/random.ts'
import { readAccount, serveAnalytics, TOKENS_PER_REQUEST } from '../support/apps/serve-analytics.ts'
import { startTcpProxy, type Weather } from '../support/databases/tcp-proxy.ts'

/** How many cuts of each kind: `CUTS=200` for a longer campaign. */
const CUTS = Number(process.env['CUTS'] ?? 20)
const seed = Math.floor(Math.random() * 2 ** 32)

test.each([
  ['exactly between COMMIT and its answer', 'cut after commit', 'afterCommit'],
  ['anywhere, with delays', 'stormy', 'anywhere'],
] as const)(
  `counts exactly while the wires to PostgreSQL are cut %s (seed ${seed})`,
  async (_, weather: Weather, kind) => {
    const database = await makeDatabase('postgresql')
    const proxy = await startTcpProxy(database.url, seededRandom(seed))
    let uncertain = 0
    {
      await using app = await serveAnalytics({ database: proxy.url })
      while (proxy.cuts[kind] < CUTS) {
        await app.request(7)
        proxy.weather = weather
        const before = app.analytics.stats()
        const outcome = await app.analytics.flush().catch((error: Error) => error)
        proxy.weather = 'calm'
        if (outcome instanceof Error) {
          expect(app.analytics.stats().flushed).toBeGreaterThanOrEqual(before.flushed)
          uncertain += 1
          if (uncertain % 3 === 0) await app.analytics.flush().catch(() => {})
        }
      }
      await app.analytics.flush()
      expect(app.analytics.stats()).toMatchObject({
        counted: app.answered,
        flushed: app.answered,
        pending: 0,
      })
      const account = await readAccount(database.url)
      expect(account).toMatchObject({ balanced: true, storedRequests: app.answered, missingRequests: 0 })
      const tokens = BigInt(app.answered * TOKENS_PER_REQUEST)
      expect(account.units).toMatchObject([
        { unit: 'tokens', stored: tokens, delivered: tokens, missing: 0n },
      ])
      expect(uncertain).toBeGreaterThanOrEqual(Math.min(CUTS, 10))
      expect(new Set(app.errors.map(({ code }) => code))).toEqual(new Set(['DATABASE_UNREACHABLE']))
    }
    await proxy.close()
    await database.remove()
  },
  CUTS * 2000 + 60_000,
)
