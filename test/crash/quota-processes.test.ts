import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openUsage } from '../../src/index.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { startQuotaCounter } from '../support/crash/quota-counter.ts'

const PROCESSES = 4
const BURST = 50
const LIMIT = 3000

forEachDatabase('four processes with one quota', (_kind, makeUrl) => {
  test('stop in time: they exceed it by no more than they count in two intervals', async () => {
    const database = await makeUrl()
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-quota-'))
    const usage = await openUsage(database)
    await usage.setQuota({ owner: 'Acme', unit: 'requests', per: 'month', limit: LIMIT })
    await usage.setQuota({ owner: 'Acme', unit: 'tokens', per: 'month', limit: 1 })
    const counters = await Promise.all(
      Array.from({ length: PROCESSES }, (_none, index) =>
        startQuotaCounter({
          database,
          dataDir,
          key: `key ${index}`,
          owner: 'Acme',
          burst: BURST,
          most: LIMIT * 3,
        }),
      ),
    )
    try {
      const counts = await Promise.all(counters.map((counter) => counter.goOn()))
      const total = counts.reduce((sum, { counted }) => sum + counted!, 0)
      // Every process took part.
      expect(Math.min(...counts.map(({ counted }) => counted!))).toBeGreaterThanOrEqual(BURST)
      // No process may stop early, because it must not know of more than was counted.
      expect(total).toBeGreaterThanOrEqual(LIMIT)
      // When the limit is reached, the others may hold a burst each that a process does not know. After that each
      // process counts one burst at most before it measures again.
      expect(total).toBeLessThanOrEqual(LIMIT + (2 * PROCESSES - 1) * BURST)
      // All know the truth once everything is delivered.
      const known = await Promise.all(counters.map((counter) => counter.goOn()))
      expect(known).toEqual(known.map(() => ({ requests: total, tokens: 3 * total })))
      const { quotas } = await usage.findQuotas()
      expect(quotas.map(({ used }) => used)).toEqual([BigInt(total), BigInt(3 * total)])
    } finally {
      expect(await Promise.all(counters.map((counter) => counter.end()))).toEqual([0, 0, 0, 0])
      await usage.close()
      rmSync(dataDir, { recursive: true })
    }
  })
})
