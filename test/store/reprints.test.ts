import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseBillingPeriod } from '../../src/billing/billing-period.ts'
import { checkDocument } from '../../src/billing/check/check-document.ts'
import { checkStored } from '../../src/billing/check/check-stored.ts'
import { closePeriod } from '../../src/billing/close/close-period.ts'
import { findStatements } from '../../src/billing/statement/read-statement.ts'
import type { StatementDocument } from '../../src/model/statement.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { renameOwner } from '../../src/store/keys/rename-owner.ts'
import { anonymise } from '../../src/store/remove/anonymise.ts'
import { forgetKey } from '../../src/store/remove/forget-key.ts'
import { pruneUsage } from '../../src/store/remove/prune-usage.ts'
import { rollUpUsage } from '../../src/store/remove/roll-up-usage.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { dumpTables, loadTables } from '../support/databases/copy-tables.ts'
import type { TableCopy } from '../support/databases/copy-tables.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import { dumpInto } from '../support/databases/dump-postgres.ts'
import { copyEmbeddedPostgres } from '../support/databases/find-postgres.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { printStatement } from '../support/usage/print-statement.ts'
import { startCluster } from '../support/databases/start-cluster.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const ACME = testKey(1, 'key_acme', { owner: 'Acme', name: 'Shop' })
const BETA = testKey(2, 'key_beta', { owner: 'Ünal & Söhne', name: 'Ünal 🏪' })
const GONE = testKey(3, 'key_gone')
const now = new Date('2027-01-01T00:00Z')
const { privateKey, publicKey } = generateKeyPairSync('ed25519')

const close = (db: Database, month: string) =>
  closePeriod(db, '/nowhere', {
    period: parseBillingPeriod({ month, timeZone: 'Europe/Berlin' }),
    billable: ['2xx'],
    now,
    privateKey,
  })

/** Both statements in every format, a customer's part of each, and what the list has. */
async function printAll(db: Database): Promise<Record<string, unknown>> {
  return {
    first: await printStatement(db, 1),
    second: await printStatement(db, 2),
    part: await printStatement(db, 1, { owner: 'Acme' }),
    list: await findStatements(db),
  }
}

forEachDatabase('statements', (kind, makeUrl) => {
  let url: string
  let db: Database
  let printed: Record<string, unknown>
  let made: TableCopy
  beforeAll(async () => {
    url = await makeUrl()
    const tokens = (requests: number, quantity: number) => ({ requests, quantities: { tokens: quantity } })
    await storeUsage(url, [
      { key: ACME, bucket: '2026-10-01T00:00Z', ...tokens(5, 70) },
      { key: { ...ACME, owner: 'Ünal & Söhne' }, bucket: '2026-10-10T12:00Z', ...tokens(2, 9) },
      { key: BETA, bucket: '2026-10-31T22:00Z', ...tokens(6, 9_007_199_254_740) },
      { key: GONE, bucket: '2026-10-02T00:00Z', requests: 6 },
      { key: BETA, bucket: '2026-11-02T00:00Z', requests: 7 },
    ])
    db = await openDatabase(url)
    await close(db, '2026-10')
    await storeUsage(url, [{ key: BETA, bucket: '2026-10-03T00:00Z', ...tokens(4, 1) }])
    await forgetKey(db, GONE.id)
    await close(db, '2026-11')
    printed = await printAll(db)
    made = await dumpTables(db)
  })
  afterAll(() => db.close())

  const requireSame = async (of: Database) => {
    expect(await printAll(of)).toEqual(printed)
    expect(await checkStored(of, { publicKey })).toMatchObject({ intact: true, statements: 2 })
    expect(await verifyUsage(of)).toMatchObject({ balanced: true, billing: { faults: [] } })
    const { json } = await printStatement(of, 1, { owner: 'Acme' })
    expect(checkDocument(JSON.parse(json) as StatementDocument, publicKey)).toMatchObject({ intact: true })
  }

  /** The next month is closed as well. */
  const requireSameAfterClosing = async (of: Database) => {
    expect(await close(of, '2026-12')).toMatchObject({ statement: { number: 3, corrects: [] } })
    const { first, second } = printed
    expect({ first: await printStatement(of, 1), second: await printStatement(of, 2) }).toEqual({
      first,
      second,
    })
    expect(await checkStored(of, { publicKey })).toMatchObject({ intact: true, statements: 3 })
  }

  test.each<[string, () => Promise<unknown>]>([
    ['late counts', () => storeUsage(url, [{ key: ACME, bucket: '2026-10-03T00:00Z', requests: 4 }])],
    ['a prune of everything', () => pruneUsage(db, { before: now })],
    ['a prune of one key', () => pruneUsage(db, { before: now, keyIds: [BETA.id] })],
    ['a roll-up', () => rollUpUsage(db, { before: now })],
    ['a rename of a key', () => nameKey(db, ACME.id, { name: 'Other' }, now.getTime())],
    ['a rename of a customer', () => renameOwner(db, 'Acme', 'Acme Corp')],
    [
      'a transfer in the past',
      () => nameKey(db, ACME.id, { owner: 'Beta', from: new Date('2026-10-01T00:00Z') }, now.getTime()),
    ],
  ])('print the same bytes after %s', async (_what, change) => {
    await change()
    await requireSame(db)
    // back to where it was: which is a restore of a backup
    await loadTables(db, made)
    await requireSame(db)
  })

  test.each([
    ['forget', () => forgetKey(db, ACME.id)],
    ['forget --anonymise', () => anonymise(db, { keyId: ACME.id })],
  ])('print the same bytes but for the blanked names after keys %s, with a record', async (_what, change) => {
    const { first, second } = printed as Record<string, Record<string, string>>
    await change()
    const blank = (text: string) =>
      text.replaceAll(
        /"label":"key_acme","name":"Shop","owner":[^,]+,"salt":"\w+"/g,
        '"label":null,"name":null,"owner":null,"salt":null',
      )
    expect((await printStatement(db, 1)).json).toBe(blank(first!['json']!))
    expect((await printStatement(db, 2)).json).toBe(blank(second!['json']!))
    const blankCsv = first!['csv']!.replaceAll(/,key_acme,Shop,[^,]+,/g, ',,,,')
    expect((await printStatement(db, 1)).csv).toBe(blankCsv)
    expect(await checkStored(db, { publicKey })).toMatchObject({ intact: true })
    const [record] = await db.query<{ content: string }>(
      "select content from api_key_analytics_statements where kind = 'redaction' order by sequence desc limit 1",
    )
    expect(JSON.parse(record!.content)).toMatchObject({ accounts: [{ statement: 1 }, { statement: 1 }] })
    await loadTables(db, made)
    await requireSame(db)
  })

  test('print the same bytes from a copy in the other kind of database, and close the next month there', async () => {
    const other = await makeDatabase(kind === 'sqlite' ? 'postgresql' : 'sqlite')
    const target = await openDatabase(other.url)
    await loadTables(target, made)
    await requireSame(target)
    await requireSameAfterClosing(target)
    await target.close()
    await other.remove()
  })

  const restored = {
    sqlite: [
      'a backup of the file',
      async () => {
        const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-backup-'))
        const path = join(folder, 'backup.db')
        await db.query(`vacuum into '${path}'`)
        const backup = await openDatabase(`sqlite:${path}`)
        await requireSame(backup)
        await requireSameAfterClosing(backup)
        await backup.close()
        rmSync(folder, { recursive: true })
      },
    ],
    postgresql: [
      'a dump that another version of PostgreSQL has restored',
      async () => {
        const cluster = await startCluster({ findPrograms: copyEmbeddedPostgres })
        try {
          const other = await makeDatabase('postgresql', { server: cluster.url })
          await dumpInto(url, other.url)
          const target = await openDatabase(other.url)
          await requireSame(target)
          await requireSameAfterClosing(target)
          await target.close()
        } finally {
          await cluster.remove()
        }
      },
    ],
  } as const
  const [from, restore] = restored[kind]
  test(`print the same bytes from ${from}`, restore)
})
