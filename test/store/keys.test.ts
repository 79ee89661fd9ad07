import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiKeyAnalyticsKeySchema } from '../../src/store/database/entities/api-key-analytics-key.ts'
import { findKeys, listKeys, suggestKeys } from '../../src/store/read/find-keys.ts'
import { getOrm } from '../../src/store/get-orm.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { openUsage } from '../../src/open-usage.ts'
import { fillKeys, fillUsage, keyIdOf } from '../support/usage/fill-usage.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'

const DAY = 86_400_000
const START = Date.UTC(2026, 9, 1)

forEachDatabase('keys', (_kind, makeUrl) => {
  let url: string
  let db: Database
  beforeAll(async () => {
    url = await makeUrl()
    db = await openDatabase(url)
    await fillKeys(db, [
      { key: 1, label: 'sk_l…9fQ2', name: 'billing', owner: 'acme', at: START },
      { key: 2, label: 'sk_l…77aa', name: '100%', at: START + DAY },
      { key: 3, label: 'sk_100', name: null, owner: 'acme', at: START + 2 * DAY },
    ])
    await fillUsage(db, [
      { key: 1, bucket: START, requests: 3 },
      { key: 1, bucket: START + DAY, requests: 4 },
      { key: 2, bucket: START, requests: 5 },
    ])
  })
  afterAll(() => db.close())

  const found = async (text: string): Promise<string[]> => (await findKeys(db, text)).map(({ id }) => id)

  test('finds a key by its name, label or id, or a prefix of label or id', async () => {
    expect(await found('billing')).toEqual([keyIdOf(1)])
    expect(await found('sk_100')).toEqual([keyIdOf(3)])
    expect(await found(keyIdOf(2).toUpperCase())).toEqual([keyIdOf(2)])
    expect(await found('00000003')).toEqual([keyIdOf(3)])
    expect(await found('sk_l…9')).toEqual([keyIdOf(1)])
  })

  test('finds all keys that an ambiguous prefix fits, and takes wildcards literally', async () => {
    expect(await found('sk_')).toEqual([keyIdOf(2), keyIdOf(1), keyIdOf(3)])
    expect(await found('100%')).toEqual([keyIdOf(2)])
    expect(await found('%')).toEqual([])
    expect(await found('sk?')).toEqual([])
    expect(await found("' or '1' = '1")).toEqual([])
    expect(await found('')).toEqual([])
  })

  test('suggests names and labels that are nearly the same', async () => {
    expect(await suggestKeys(db, 'biling')).toEqual(['billing'])
    expect(await suggestKeys(db, 'something else')).toEqual([])
  })

  test('lists keys with their requests, last used first', async () => {
    const listed = async (options: Parameters<typeof listKeys>[1]): Promise<unknown[]> =>
      (await listKeys(db, options)).map(({ label, requestCount }) => [label, requestCount])
    expect(await listed({})).toEqual([
      ['sk_100', 0],
      ['sk_l…77aa', 5],
      ['sk_l…9fQ2', 7],
    ])
    expect(await listed({ requestsSince: new Date(START + 1), owner: 'acme' })).toEqual([
      ['sk_100', 0],
      ['sk_l…9fQ2', 4],
    ])
    expect(await listed({ unusedSince: new Date(START + DAY) })).toEqual([['sk_l…9fQ2', 7]])
  })

  test('names a key and its owner, and takes either away again', async () => {
    await nameKey(db, keyIdOf(3), { name: "Ann's key 😀" })
    expect(await findKeys(db, "Ann's key 😀")).toMatchObject([{ id: keyIdOf(3), owner: 'acme' }])
    await nameKey(db, keyIdOf(3), { name: null, owner: null })
    expect(await findKeys(db, 'sk_100')).toMatchObject([{ name: null, owner: null }])
  })

  test('refuses a name that cannot be stored, and a key that does not exist', async () => {
    await expect(nameKey(db, keyIdOf(3), { name: '' })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    await expect(nameKey(db, keyIdOf(3), { owner: 'x'.repeat(201) })).rejects.toThrow('1 to 200 characters')
    await expect(nameKey(db, keyIdOf(9), { name: 'x' })).rejects.toMatchObject({ code: 'WRONG_USAGE' })
  })

  test('reads everything from code, through openUsage', async () => {
    const usage = await openUsage({ database: url })
    try {
      const [key] = await usage.findKeys('billing')
      expect(await usage.getMostAccessedEndpoints(key!)).toMatchObject([{ endpoint: '/', requestCount: 7 }])
      expect(await usage.findUsage({ by: ['method'] })).toMatchObject([{ method: 'GET', requestCount: 12 }])
      const requests: number[] = []
      for await (const page of usage.streamUsage({ keyIds: [key!.id] })) {
        for (const { requestCount } of page) requests.push(requestCount)
      }
      expect(requests).toEqual([3, 4])
      const record = await getOrm(usage)
        .em.fork()
        .findOneOrFail(ApiKeyAnalyticsKeySchema, { name: 'billing' })
      expect(record).toMatchObject({ id: key!.id, lastUsedAt: new Date(START) })
    } finally {
      await usage.close()
    }
  })

  test.each([
    ['an option that there is not', { databse: 'sqlite:x' }, "an option 'databse'"],
    ['a URL as an option', { 'postgres://api:pw@db/api': true }, 'an option of 24 characters'],
    ['a value of another type', { database: 5 }, 'a database of type number'],
    ['a number', 5, 'something of type number'],
  ])('openUsage refuses %s, and repeats no value', async (_, given, found) => {
    await expect(openUsage(given as never)).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
      message: expect.stringContaining(found),
    })
  })

  test('openUsage takes a URL as well', async () => {
    const usage = await openUsage(url)
    expect(await usage.findKeys('billing')).toHaveLength(1)
    await usage.close()
  })

  test('opens no database that is not migrated', async () => {
    await expect(openUsage(await makeUrl({ migrated: false }))).rejects.toMatchObject({
      code: expect.stringMatching(/^DATABASE_NOT_(FOUND|MIGRATED)$/),
    })
  })
})
