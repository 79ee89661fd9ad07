import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findKeys, suggestKeys } from '../../src/store/read/find-keys.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { fillKeys, fillUsage } from '../support/usage/fill-usage.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { searchRuns } from '../support/search-runs.ts'

const HOSTILE = [
  `'; drop table api_key_analytics; --`,
  '\\',
  '%',
  '_',
  '[',
  '***',
  '?*[!a-z]*',
  '$1',
  '\0',
  'a\0b*',
  '\ud800',
  '*\udc00*',
  '__proto__',
  '*a'.repeat(200),
]

forEachDatabase('a filter', (_kind, makeUrl) => {
  let db: Database

  beforeAll(async () => {
    db = await openDatabase(await makeUrl())
    await fillKeys(db, [{ key: 1, owner: 'acme' }])
    await fillUsage(db, [{ key: 1, bucket: 0, endpoint: '/a', requests: 7 }])
  })
  afterAll(() => db.close())

  test('finds what it names and nothing else, whatever is in it', async () => {
    const text = fc.oneof(
      fc.constantFrom(...HOSTILE),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({
        unit: fc.constantFrom('*', '%', '_', '?', '[', ']', '!', '/', 'a', '\\', "'"),
        maxLength: 12,
      }),
    )
    await fc.assert(
      fc.asyncProperty(text, async (text) => {
        const isGlob = new RegExp(`^${text.split('*').map(escapeRegExp).join('[^]*')}$`).test('/a')
        expect(await findUsage(db, { endpoint: text })).toHaveLength(isGlob ? 1 : 0)
        expect(await findUsage(db, { owner: text })).toHaveLength(text === 'acme' ? 1 : 0)
        expect(await findUsage(db, { method: text })).toHaveLength(text === 'GET' ? 1 : 0)
        expect(Array.isArray(await findKeys(db, text))).toBe(true)
        expect(Array.isArray(await suggestKeys(db, text))).toBe(true)
      }),
      { numRuns: searchRuns(150), examples: HOSTILE.map((text) => [text]) },
    )
    expect(await findUsage(db, {})).toMatchObject([{ requestCount: 7 }])
  })
})

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
