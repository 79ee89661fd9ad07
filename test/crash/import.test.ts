import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { listKeys } from '../../src/store/read/find-keys.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { findImports } from '../../src/store/imports/find-imports.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import type { Moment } from '../support/processes/die-at.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { startProcess } from '../support/processes/run-process.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const acme = testKey(1, 'acme')
const ROWS = 2500

forEachDatabase('imports that are killed', (_kind, makeUrl) => {
  let folder: string
  let path: string
  let url: string
  let db: Database
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apikey-analytics-test-'))
    path = join(folder, 'usage.ndjson')
    const lines = Array.from({ length: ROWS }, (_, row) =>
      JSON.stringify({
        keyId: testKey(row % 7, '').id,
        keyLabel: `key ${row % 7}`,
        // half of the keys change hands
        keyOwner: row % 2 === 0 && row > 1000 ? 'Beta' : 'Acme',
        bucket: new Date(Date.UTC(2026, 8, 1 + Math.floor(row / 200))).toISOString(),
        bucketMinutes: 60,
        method: 'GET',
        endpoint: `/${row}`,
        status: 200,
        requestCount: 3,
        tokensRequestCount: 1,
        tokensQuantity: 10,
      }),
    )
    await writeFile(path, lines.join('\n'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  beforeEach(async () => {
    url = await makeUrl()
    db = await openDatabase(url)
    await storeUsage(url, [
      { key: acme, bucket: '2026-10-01T10:00Z', requests: 5, quantities: { tokens: 2 } },
    ])
  })
  afterEach(() => db.close())

  const run = async (order: { remove?: number; moment?: Moment } = {}): Promise<string | number | null> => {
    const child = startProcess('import-file', JSON.stringify({ database: url, path, ...order }))
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
    return signal ?? code
  }
  const read = async () => {
    const { balanced, storedRequests, imports } = await verifyUsage(db)
    expect(balanced).toBe(true)
    expect(storedRequests).toBe(5)
    return {
      imports: (await findImports(db)).length,
      accounts: imports.map(({ stored }) => stored),
      keys: (await listKeys(db)).length,
      requests: (await findUsage(db, {}))[0]!.requestCount,
      owners: await db.query('select 1 from api_key_analytics_owners'),
    }
  }
  const NOTHING = { imports: 0, accounts: [], keys: 1, requests: 5, owners: [] }
  const ALL = {
    imports: 1,
    accounts: [3n * BigInt(ROWS), 10n * BigInt(ROWS)],
    keys: 7,
    requests: 5 + 3 * ROWS,
  }

  test.each([
    { point: 'import begun', occurrence: 1 },
    { point: 'import rows added', occurrence: 1 },
    { point: 'import rows added', occurrence: 2 },
    { point: 'import rows added', occurrence: 3 },
    { point: 'import loaded', occurrence: 1 },
  ] as const)('leave nothing behind at $point $occurrence, and the next run imports all', async (moment) => {
    expect(await run({ moment })).toBe('SIGKILL')
    expect(await read()).toEqual(NOTHING)
    expect(await run()).toBe(0)
    expect(await read()).toMatchObject(ALL)
  })

  test('are there as a whole after the commit, and are not imported again', async () => {
    expect(await run({ moment: { point: 'import committed', occurrence: 1 } })).toBe('SIGKILL')
    expect(await read()).toMatchObject(ALL)
    expect(await run()).toBe(1)
    expect(await read()).toMatchObject(ALL)
  })

  test.each(['import rows removed', 'import keys removed'] as const)(
    'stay as a whole when their removal is killed at %s',
    async (point) => {
      expect(await run()).toBe(0)
      const [{ import: remove } = { import: 0 }] = await findImports(db)
      expect(await run({ remove, moment: { point, occurrence: 1 } })).toBe('SIGKILL')
      expect(await read()).toMatchObject(ALL)
      expect(await run({ remove })).toBe(0)
      expect(await read()).toEqual(NOTHING)
    },
  )

  test('leave no temporary files', async () => {
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith('apikey-analytics-import-'))
    expect(before).toEqual([])
  })
})
