import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { parseBillingPeriod } from '../../src/billing/billing-period.ts'
import { checkDocument } from '../../src/billing/check/check-document.ts'
import { checkStored } from '../../src/billing/check/check-stored.ts'
import { closePeriod } from '../../src/billing/close/close-period.ts'
import type { CloseOrder } from '../../src/billing/close/close-order.ts'
import { findStatements, readStatement } from '../../src/billing/statement/read-statement.ts'
import { toBase64 } from '../../src/billing/statement/sign-statement.ts'
import type { KeyIdentity } from '../../src/model/key.ts'
import { noteClosing } from '../../src/report/notes/note-closing.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { renameOwner } from '../../src/store/keys/rename-owner.ts'
import { openStore } from '../../src/store/open-store.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { listLateUsage } from '../../src/store/read/list-late-usage.ts'
import { anonymise } from '../../src/store/remove/anonymise.ts'
import { forgetKey } from '../../src/store/remove/forget-key.ts'
import { forgetOwner } from '../../src/store/remove/forget-owner.ts'
import { pruneUsage } from '../../src/store/remove/prune-usage.ts'
import { rollUpUsage } from '../../src/store/remove/roll-up-usage.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { parsePeriod } from '../../src/time/period.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'
import { dumpTables, loadTables } from '../support/databases/copy-tables.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { billedLines } from '../support/usage/billed-lines.ts'
import { makeBatch } from '../support/usage/make-batch.ts'
import { printStatement } from '../support/usage/print-statement.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import type { StoredRow } from '../support/usage/store-usage.ts'

const ACME = testKey(1, 'key_acme', { owner: 'Acme', name: 'Shop' })
const NOBODY = testKey(2, 'key_nobody')
const now = new Date('2027-01-01T00:00Z')
const month = (label: string, timeZone?: string) => parseBillingPeriod({ month: label, timeZone })
const close = (db: Database, label: string, rest: Partial<CloseOrder> = {}) =>
  closePeriod(db, EMPTY_DATA_DIR, { period: month(label), billable: ['2xx'], now, ...rest })
const row = (
  key: KeyIdentity,
  bucket: string,
  requests: number,
  rest: Partial<StoredRow> = {},
): StoredRow => ({
  key,
  bucket,
  requests,
  ...rest,
})

forEachDatabase('closing a period', (kind, makeUrl) => {
  const withRows = async (rows: readonly StoredRow[], run: (db: Database, url: string) => Promise<void>) => {
    const url = await makeUrl()
    await storeUsage(url, rows)
    const db = await openDatabase(url)
    try {
      await run(db, url)
      expect(await verifyUsage(db)).toMatchObject({ balanced: true })
      expect(await checkStored(db)).toMatchObject({ intact: true })
    } finally {
      await db.close()
    }
  }

  test('bills a month once, and late counts as corrections, also those that were pruned before', () =>
    withRows(
      [
        row(ACME, '2026-10-01T00:00Z', 5),
        row(ACME, '2026-10-31T23:00Z', 7, { endpoint: '/b' }),
        row(ACME, '2026-10-31T22:00Z', 9, { status: 500 }),
        row(NOBODY, '2026-10-31T21:00Z', 2),
        row(NOBODY, '2026-11-01T00:00Z', 3),
      ],
      async (db, url) => {
        const first = await close(db, '2026-10')
        expect(first).toMatchObject({
          statement: { number: 1, lineCount: 3 },
          totals: { usage: { requests: '14' } },
        })
        await expect(close(db, '2026-10')).rejects.toThrow(/closed already, by statement 1/)
        await storeUsage(url, [row(ACME, '2026-10-02T00:00Z', 4)])
        await pruneUsage(db, { before: new Date('2026-11-01T00:00Z') })
        await storeUsage(url, [row(ACME, '2026-10-02T00:00Z', 1)])
        const second = await close(db, '2026-11')
        expect(second).toMatchObject({
          statement: { corrects: [{ statement: 1, period: { label: '2026-10' } }], previousHash: first.hash },
          totals: {
            usage: { requests: '3' },
            corrections: [{ statement: 1, quantities: { requests: '5' } }],
          },
        })
        expect(await billedLines(db, 2)).toEqual([
          ['Acme', '/users/:id', '5', 1],
          [null, '/users/:id', '3'],
        ])
        // billed: not again
        expect(await close(db, '2026-12')).toMatchObject({ statement: { lineCount: 0, corrects: [] } })
      },
    ))

  test('a machine that comes back in December, after October was closed and pruned and November closed', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5), row(ACME, '2026-11-01T00:00Z', 6)], async (db, url) => {
      await close(db, '2026-10')
      await close(db, '2026-11')
      await pruneUsage(db, { before: new Date('2026-11-01T00:00Z') })
      await storeUsage(url, [row(ACME, '2026-10-20T00:00Z', 123), row(ACME, '2026-12-01T00:00Z', 1)])
      await pruneUsage(db, { before: new Date('2026-11-01T00:00Z') })
      await close(db, '2026-12')
      expect(await billedLines(db, 3)).toEqual([
        ['Acme', '/users/:id', '1'],
        ['Acme', '/users/:id', '123', 1],
      ])
    }))

  test('a key belongs to who owned it at the time, also for late counts and after a rename', () =>
    withRows(
      [
        row(ACME, '2026-10-01T00:00Z', 5),
        row({ ...ACME, owner: 'Beta' }, '2026-10-10T00:00Z', 7),
        row({ ...ACME, owner: 'Beta' }, '2026-11-10T00:00Z', 1),
      ],
      async (db, url) => {
        await close(db, '2026-10')
        expect(await billedLines(db, 1)).toEqual([
          ['Acme', '/users/:id', '5'],
          ['Beta', '/users/:id', '7'],
        ])
        await renameOwner(db, 'Acme', 'Acme Corp')
        await rollUpUsage(db, { before: new Date('2026-12-01T00:00Z') })
        await storeUsage(url, [row({ ...ACME, owner: null }, '2026-10-01T03:00Z', 2)])
        await storeUsage(url, [row({ ...ACME, owner: null }, '2026-10-10T03:00Z', 3)])
        await close(db, '2026-11')
        expect(await billedLines(db, 2)).toEqual([
          ['Beta', '/users/:id', '1'],
          ['Beta', '/users/:id', '3', 1],
          ['Acme Corp', '/users/:id', '2', 1],
        ])
      },
    ))

  test('a change of owner in a closed month corrects nothing', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5), row(ACME, '2026-11-01T00:00Z', 6)], async (db) => {
      await close(db, '2026-10')
      await nameKey(db, ACME.id, { owner: 'Beta', from: new Date('2026-10-01T00:00Z') }, now.getTime())
      expect(await close(db, '2026-11')).toMatchObject({ statement: { corrects: [] } })
      expect(await billedLines(db, 2)).toEqual([['Beta', '/users/:id', '6']])
    }))

  test('keys forget blanks the names with a record in the chain, and every hash stays', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5), row(NOBODY, '2026-10-02T00:00Z', 6)], async (db) => {
      const { privateKey, publicKey } = generateKeyPairSync('ed25519')
      const first = await close(db, '2026-10', { privateKey })
      const before = (await printStatement(db, 1)).json
      await forgetKey(db, ACME.id)
      const { accounts, hash } = await readStatement(db, 1)
      expect(hash).toBe(first.hash)
      const gone = accounts.find(({ keyId }) => keyId === ACME.id)!
      expect(gone).toMatchObject({ label: null, name: null, owner: null, salt: null })
      const names = /"label":"key_acme","name":"Shop","owner":"Acme","salt":"\w+"/
      expect((await printStatement(db, 1)).json).toBe(
        before.replace(names, '"label":null,"name":null,"owner":null,"salt":null'),
      )
      expect(await checkStored(db, { publicKey })).toMatchObject({
        intact: true,
        notes: [expect.stringContaining('1 accounts were blanked')],
      })
      expect(checkDocument(await readStatement(db, 1), publicKey)).toMatchObject({ intact: true })
      const second = await close(db, '2026-11', { privateKey })
      expect(second.statement).toMatchObject({ sequence: 3, number: 2, corrects: [] })
      const everything = JSON.stringify(await dumpTables(db))
      expect(everything).not.toMatch(/Acme|Shop|key_acme/)
    }))

  test('keys forget --owner blanks only that customer, also where it had another name', () =>
    withRows(
      [row(ACME, '2026-10-01T00:00Z', 5), row({ ...ACME, owner: 'Beta' }, '2026-10-10T00:00Z', 7)],
      async (db) => {
        await close(db, '2026-10')
        await renameOwner(db, 'Acme', 'Acme Corp')
        await forgetOwner(db, 'Acme Corp')
        expect(await billedLines(db, 1)).toEqual([
          [null, '/users/:id', '5'],
          ['Beta', '/users/:id', '7'],
        ])
        expect(await close(db, '2026-11')).toMatchObject({ statement: { corrects: [] } })
      },
    ))

  test.each([
    ['forgets', (db: Database) => forgetOwner(db, 'Acme')],
    ['anonymises', (db: Database) => anonymise(db, { owner: 'Acme' })],
  ])('%s only the customer, not one who has another name now or whose time was pruned', (_, remove) =>
    withRows(
      [
        row({ ...ACME, owner: 'Delta' }, '2026-08-01T00:00Z', 3),
        row({ ...ACME, owner: 'Epsilon' }, '2026-09-01T00:00Z', 4),
        row(ACME, '2026-10-01T00:00Z', 5),
        row({ ...ACME, owner: 'Beta' }, '2026-10-10T00:00Z', 7),
      ],
      async (db) => {
        for (const label of ['2026-08', '2026-09', '2026-10']) await close(db, label)
        await renameOwner(db, 'Delta', 'Delta GmbH')
        await pruneUsage(db, { before: new Date('2026-10-01T00:00Z') })
        await remove(db)
        expect(await billedLines(db, 1)).toEqual([['Delta', '/users/:id', '3']])
        expect(await billedLines(db, 2)).toEqual([['Epsilon', '/users/:id', '4']])
        expect(await billedLines(db, 3)).toEqual([
          [null, '/users/:id', '5'],
          ['Beta', '/users/:id', '7'],
        ])
      },
    ),
  )

  test('the names of a customer without keys are blanked too', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5)], async (db) => {
      await close(db, '2026-10')
      await nameKey(db, ACME.id, { owner: 'Beta', until: now }, now.getTime())
      await nameKey(db, ACME.id, { owner: 'Beta' }, now.getTime())
      await forgetOwner(db, 'Acme')
      expect(await billedLines(db, 1)).toEqual([[null, '/users/:id', '5']])
    }))

  test('a roll-up leaves the day with the border of a closed period as it is', () =>
    withRows(
      [
        row(ACME, '2026-10-31T21:00Z', 1),
        row(ACME, '2026-10-31T22:00Z', 2),
        row(ACME, '2026-10-31T23:00Z', 4),
        row(ACME, '2026-11-02T01:00Z', 8),
        row(ACME, '2026-11-02T02:00Z', 16),
      ],
      async (db) => {
        await close(db, '2026-10', { period: month('2026-10', 'Europe/Berlin') })
        expect(await rollUpUsage(db, { before: new Date('2026-11-30T00:00Z') })).toMatchObject({
          rowsBefore: 2,
          requests: 24,
        })
        expect(await listLateUsage(db)).toEqual([])
        expect(await close(db, '2026-11', { period: month('2026-11', 'Europe/Berlin') })).toMatchObject({
          totals: { usage: { requests: '28' }, corrections: [] },
        })
      },
    ))

  test('by day bills every hour once where a day begins at 01:00', () =>
    withRows(
      Array.from({ length: 96 }, (_, hour) =>
        row(ACME, new Date(Date.UTC(2026, 3, 21, 22 + hour)).toISOString(), 1),
      ),
      async (db) => {
        const billed = []
        for (const day of ['2026-04-22', '2026-04-23', '2026-04-24', '2026-04-25', '2026-04-26']) {
          const period = parseBillingPeriod({ day, timeZone: 'Africa/Cairo' })
          billed.push((await close(db, '2026-04', { period })).totals.usage.requests)
        }
        expect(billed).toEqual(['24', '24', '23', '24', '1'])
      },
    ))

  test.each([
    [
      'is not over',
      [],
      '2026-11',
      { now: new Date('2026-11-30T23:59:59.999Z') },
      /is not over before 2026-12-01T00:00:00.000Z/,
    ],
    [
      'comes after open usage',
      [row(ACME, '2026-09-30T00:00Z', 12)],
      '2026-11',
      {},
      /earlier usage, from 2026-09-30 00:00 UTC on, is in no closed period: 12 requests. Close earlier periods first, beginning with 2026-09/,
    ],
    [
      'comes after open quantities',
      [row(ACME, '2026-09-30T05:00Z', 0, { quantities: { tokens: 1200, rows: 3 } })],
      '2026-11',
      {},
      /earlier usage, from 2026-09-30 05:00 UTC on, is in no closed period: 3 rows, 1,200 tokens. Close earlier/,
    ],
    [
      'has a row across its border',
      [row(ACME, '2026-10-31T00:00Z', 3, { bucketMinutes: 1440 })],
      '2026-10',
      { period: month('2026-10', 'Europe/Berlin') },
      /1 stored row with 3 requests crosses its border. Close it with --tz UTC/,
    ],
    [
      'has missing counts that nobody accepted',
      [],
      '2026-10',
      { acceptMissing: { requests: 7n } },
      /no requests are missing. Leave --accept-missing 7 out/,
    ],
  ] as const)('refuses a period that %s', (_why, rows, label, rest, message) =>
    withRows(rows, async (db) => {
      const before = await dumpTables(db)
      await expect(close(db, label, rest)).rejects.toMatchObject({
        code: 'CLOSE_REFUSED',
        message: expect.stringMatching(message),
      })
      const dry = await close(db, label, { ...rest, dryRun: true })
      expect(dry).toMatchObject({ stored: false, refusals: [expect.stringMatching(message)] })
      expect(await dumpTables(db)).toEqual(before)
    }),
  )

  test('bills without missing counts only when exactly as many are accepted, and once', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5)], async (db, url) => {
      const store = openStore({ url, pepperCheck: '' })
      await store.connect()
      const batch = { instance: randomUUID(), bucket: Date.parse('2026-10-02T00:00Z'), rows: [{ key: 'a' }] }
      await store.recordBatch(makeBatch({ ...batch, sequence: 2, countedBefore: 40 }))
      await expect(close(db, '2026-10')).rejects.toThrow(
        /40 counted requests never arrived.*--accept-missing 40/,
      )
      await expect(close(db, '2026-10', { acceptMissing: { requests: 39n } })).rejects.toThrow(
        /40 requests are missing, not 39/,
      )
      const made = await close(db, '2026-10', { acceptMissing: { requests: 40n } })
      expect(made.totals).toMatchObject({
        acceptedMissing: { requests: '40' },
        missing: [{ instance: batch.instance, unit: 'requests', quantity: '40' }],
      })
      expect((await printStatement(db, 1)).table).toContain('40 requests were counted, never arrived')
      // late after all: a correction
      await store.recordBatch(makeBatch({ ...batch, rows: [{ key: 'a', requestCount: 40 }] }))
      await store.close()
      expect(await close(db, '2026-11')).toMatchObject({
        totals: { acceptedMissing: {}, corrections: [{ statement: 1, quantities: { requests: '40' } }] },
      })
    }))

  test('each unit of which something is missing is accepted by name and number', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5)], async (db, url) => {
      const store = openStore({ url, pepperCheck: '' })
      await store.connect()
      const instance = randomUUID()
      const bucket = Date.parse('2026-10-02T00:00Z')
      const rows = [{ key: 'a', quantities: [{ unit: 'tokens', requestCount: 1, quantity: 5 }] }]
      const quantitiesBefore = { tokens: 1200 }
      await store.recordBatch(
        makeBatch({ instance, bucket, rows, sequence: 2, countedBefore: 2, quantitiesBefore }),
      )
      await store.close()
      const refused: [CloseOrder['acceptMissing'], RegExp][] = [
        [
          {},
          /\(1\) 2 counted requests never.*\(2\) 1,200 counted tokens never.*--accept-missing tokens=1200/,
        ],
        [{ requests: 2n }, /closed: 1,200 counted tokens never arrived.*pass --accept-missing tokens=1200/],
        [
          { requests: 2n, tokens: 1201n },
          /1,200 tokens are missing, not 1,201.*--accept-missing tokens=1200/,
        ],
        [{ requests: 2n, tokens: 1200n, rows: 1n }, /no rows are missing. Leave --accept-missing rows=1 out/],
      ]
      for (const [acceptMissing, message] of refused)
        await expect(close(db, '2026-10', { acceptMissing })).rejects.toThrow(message)
      const { totals } = await close(db, '2026-10', { acceptMissing: { requests: 2n, tokens: 1200n } })
      expect(totals).toMatchObject({
        acceptedMissing: { requests: '2', tokens: '1200' },
        missing: [
          { instance, unit: 'requests', quantity: '2' },
          { instance, unit: 'tokens', quantity: '1200' },
        ],
      })
      const { table, markdown } = await printStatement(db, 1)
      for (const text of [table, markdown])
        expect(text).toContain('2 requests, 1,200 tokens were counted, never arrived and are not billed')
      // accepted once
      expect(await close(db, '2026-11')).toMatchObject({ totals: { acceptedMissing: {} } })
    }))

  test('a report notes that a month is open, closed, or closed in part', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5)], async (db) => {
      const notes = (label: string, at: string) =>
        noteClosing(db, parsePeriod({ month: label }, new Date(at)))
      expect(await notes('2026-10', '2026-11-01T00:00Z')).toEqual([
        '2026-10 is open: "apikey-analytics close" bills it.',
      ])
      await close(db, '2026-10', { period: parseBillingPeriod({ day: '2026-10-01' }) })
      expect(await notes('2026-10', '2026-10-15T00:00Z')).toEqual([
        'A part of 2026-10 is closed: see statement 1.',
      ])
      // of a month that is not over a report says so
      expect(await notes('2026-11', '2026-11-15T00:00Z')).toEqual([])
    }))

  test('warns of machines that were last heard of before the end, and of prunes before the closing', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5), row(ACME, '2026-10-20T00:00Z', 5)], async (db) => {
      await pruneUsage(db, { before: new Date('2026-10-10T00:00Z') })
      const time = db.dialect.timeOf(String(Date.parse('2026-10-20T01:00Z')))
      await db.query(`update api_key_analytics_ledger set updated_at = ${time}`)
      const { warnings, totals } = await close(db, '2026-10')
      expect(warnings).toEqual([
        expect.stringMatching(
          /^1 instance last delivered before the end of the period \(the latest at 2026-10-20 01:00 UTC\)/,
        ),
        expect.stringMatching(/^Usage of before 2026-10-10 00:00 UTC was pruned/),
      ])
      expect(totals.usage).toEqual({ requests: '5' })
      expect((await verifyUsage(db)).billing!.units).toMatchObject([
        { billed: '5', notBillable: '5', notBilledYet: '0' },
      ])
    }))

  test('bills units beside requests, and corrects them alone', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5, { quantities: { tokens: 70 } })], async (db, url) => {
      expect(await close(db, '2026-10')).toMatchObject({ totals: { usage: { requests: '5', tokens: '70' } } })
      await pruneUsage(db, { before: new Date('2026-10-02T00:00Z') })
      await storeUsage(url, [row(ACME, '2026-10-01T00:00Z', 1, { quantities: { tokens: 3 } })])
      await pruneUsage(db, { before: new Date('2026-10-02T00:00Z') })
      const { totals } = await close(db, '2026-11')
      expect(totals.corrections).toEqual([{ statement: 1, quantities: { requests: '1', tokens: '3' } }])
      const { billing } = await verifyUsage(db)
      expect(billing!.units).toMatchObject([
        { unit: 'requests', billed: '6', notBilledYet: '0' },
        { unit: 'tokens', delivered: '73', billed: '73', notBilledYet: '0', notBillable: '0' },
      ])
    }))

  test('refuses rows that were changed by hand, and statements that were', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5)], async (db) => {
      await db.query('update api_key_analytics set request_count = 6')
      await expect(close(db, '2026-10')).rejects.toThrow(/stored rows differ from what was delivered/)
      await db.query('update api_key_analytics set request_count = 5')
      await close(db, '2026-10')
      await db.query('update api_key_analytics_statement_lines set quantity = 4')
      await expect(close(db, '2026-11')).rejects.toThrow(
        /earlier statements, or what they billed, were changed/,
      )
      await db.query('update api_key_analytics_statement_lines set quantity = 5')
    }))

  test('refuses when more was removed of closed periods than was removed at all, which would be billed', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5)], async (db) => {
      await close(db, '2026-10')
      await pruneUsage(db, { before: new Date('2026-11-01T00:00Z') })
      const add = async (more: number) => {
        await db.query(`update api_key_analytics_statement_removals set quantity = quantity + ${more}`)
        await db.query(
          `update api_key_analytics_prunes set closed_request_count = closed_request_count + ${more}`,
        )
      }
      await add(100)
      const { balanced, billing } = await verifyUsage(db)
      expect(balanced).toBe(true)
      expect(billing).toMatchObject({
        units: [{ billed: '5', notBilledYet: '100', notBillable: '-100' }],
        faults: [
          'What was removed of closed periods is 105 requests, and all that was removed only 5: the log of removals was changed.',
        ],
      })
      await expect(close(db, '2026-11')).rejects.toThrow(/or what they billed, were changed/)
      await add(-100)
    }))

  test('closes a gap between closed periods later', () =>
    withRows([row(ACME, '2026-09-01T00:00Z', 1), row(ACME, '2026-11-01T00:00Z', 2)], async (db, url) => {
      await close(db, '2026-09')
      await close(db, '2026-11')
      await storeUsage(url, [row(ACME, '2026-10-15T00:00Z', 4)])
      await expect(close(db, '2026-12')).rejects.toThrow(/beginning with 2026-10/)
      await expect(
        close(db, '2026-10', { period: parseBillingPeriod({ week: '2026-W40' }) }),
      ).rejects.toThrow(/overlaps it/)
      expect(await close(db, '2026-10')).toMatchObject({ totals: { usage: { requests: '4' } } })
      await close(db, '2026-12')
    }))

  test('a period that was closed without any billable status is read, and late counts of it bill nothing', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5)], async (db, url) => {
      await close(db, '2026-10', { billable: [] })
      await storeUsage(url, [row(ACME, '2026-10-02T00:00Z', 4), row(ACME, '2026-11-01T00:00Z', 3)])
      expect(await verifyUsage(db)).toMatchObject({ balanced: true, billing: { faults: [] } })
      expect(await close(db, '2026-11')).toMatchObject({
        totals: { usage: { requests: '3' }, corrections: [] },
      })
    }))

  test('closes a period without usage', () =>
    withRows([], async (db) => {
      expect(await close(db, '2026-10')).toMatchObject({
        statement: { lineCount: 0 },
        totals: { usage: { requests: '0' } },
      })
      expect(checkDocument(await readStatement(db, '2026-10'))).toMatchObject({ intact: true })
    }))

  test('two people close at once: one statement', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5)], async (db, url) => {
      // a thread that waits for the lock of SQLite keeps itself from releasing it
      const second = kind === 'sqlite' ? db : await openDatabase(url)
      const results = await Promise.allSettled([
        close(db, '2026-10'),
        close(second, '2026-10'),
        close(db, '2026-10'),
      ])
      expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected'])
      for (const result of results) {
        if (result.status === 'rejected')
          expect(result.reason).toMatchObject({ message: expect.stringContaining('closed already') })
      }
      expect(await findStatements(db)).toHaveLength(1)
      if (second !== db) await second.close()
    }))

  test('an interrupted closing changes nothing', () =>
    withRows([row(ACME, '2026-10-01T00:00Z', 5)], async (db) => {
      const before = await dumpTables(db)
      await expect(close(db, '2026-10', { signal: AbortSignal.abort() })).rejects.toThrow(/abort/)
      expect(await dumpTables(db)).toEqual(before)
    }))

  test('statements check names what was changed in the database', () =>
    withRows(
      [
        row(ACME, '2026-10-01T00:00Z', 5),
        row(NOBODY, '2026-10-01T00:00Z', 6),
        row(NOBODY, '2026-11-01T00:00Z', 7),
        row(NOBODY, '2026-12-01T00:00Z', 7),
      ],
      async (db) => {
        const { privateKey } = generateKeyPairSync('ed25519')
        for (const label of ['2026-10', '2026-11', '2026-12']) await close(db, label, { privateKey })
        const intact = await dumpTables(db)
        const lines = 'api_key_analytics_statement_lines'
        const statements = 'api_key_analytics_statements'
        const changes: [string, RegExp][] = [
          [
            `update ${lines} set quantity = 8 where statement = 1 and line = 1`,
            /Statement 1, line 1 \(key .*\/users\/:id, requests\): it was changed/,
          ],
          [
            `update ${lines} set endpoint = '/x' where statement = 1 and line = 2`,
            /Statement 1, line 2 .*: it was changed/,
          ],
          [
            `delete from ${lines} where statement = 1 and line = 1`,
            /Statement 1: lines were removed: 1 of 2 are left/,
          ],
          [
            `insert into ${lines} select statement, 3, account, api_key_id, period, owner_since, method, endpoint, unit, quantity, hash from ${lines} where statement = 1 and line = 1`,
            /Statement 1: lines were added|Statement 1, line 3/,
          ],
          [
            `insert into ${lines} select 9, line, account, api_key_id, 9, owner_since, method, endpoint, unit, quantity, hash from ${lines} where statement = 1`,
            /lines of a statement 9 that does not exist/,
          ],
          [`update ${lines} set statement = 12 where statement = 2`, /Statement [23]/],
          [`update ${lines} set period = 2 where statement = 1 and line = 1`, /Statement 1/],
          [
            `update api_key_analytics_statement_accounts set owner = 'Beta' where statement = 1 and owner = 'Acme'`,
            /Statement 1, account \d \(key .*\): its names were changed/,
          ],
          [
            `update api_key_analytics_statement_accounts set label = null, name = null, owner = null, salt = null where statement = 1`,
            /Statement 1, account \d: its names are blank without a record/,
          ],
          [
            `update ${statements} set content = replace(content, '2026-10', '2026-09') where number = 1`,
            /Statement 1: its header was changed/,
          ],
          [
            `update ${statements} set totals = replace(totals, '11', '12') where number = 1`,
            /Statement 1: its totals were changed/,
          ],
          [
            `delete from ${statements} where number = 2`,
            /Statement 3: it is at another position|Statement 3: the entry before it/,
          ],
          [
            `delete from ${statements} where number = 1`,
            /Statement 2: it is at another position|Statement 2: the entry before it/,
          ],
          [
            `update ${statements} set number = 5 - number where number in (2, 3)`,
            /Statement \d: its number was changed/,
          ],
          [
            `update ${statements} set signature = (select s.signature from ${statements} s where s.number = 2) where number = 1`,
            /Statement 1: the signature does not fit it/,
          ],
        ]
        for (const [sql, finding] of changes) {
          await db.query(sql)
          const check = await checkStored(db)
          expect({ sql, ...check }).toMatchObject({
            sql,
            intact: false,
            findings: expect.arrayContaining([expect.stringMatching(finding)]),
          })
          await loadTables(db, intact)
        }
        await db.query(`insert into ${lines}
select 1, n + 10, 1, api_key_id, 1, owner_since, method, endpoint, unit, quantity, hash
from ${lines} cross join (with recursive s (n) as (select 1 union all select n + 1 from s where n < 150) select n from s) s
where statement = 1 and line = 1`)
        const { findings } = await checkStored(db, { which: 1 })
        expect([findings.length, findings.at(-1)]).toEqual([
          101,
          expect.stringMatching(/^\d+ more findings\.$/),
        ])
        await loadTables(db, intact)
        const other = generateKeyPairSync('ed25519').publicKey
        expect(await checkStored(db, { publicKey: other })).toMatchObject({ intact: false })
        const { signature } = await readStatement(db, 1)
        expect(signature).not.toMatchObject({ publicKey: toBase64(other) })
      },
    ))
})
