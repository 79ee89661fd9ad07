import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseBillingPeriod } from '../../src/billing/billing-period.ts'
import { checkAlerts } from '../../src/alerts/check-alerts.ts'
import { readAlertList } from '../../src/alerts/read-alert-list.ts'
import { checkStored } from '../../src/billing/check/check-stored.ts'
import { closePeriod } from '../../src/billing/close/close-period.ts'
import { readStatement } from '../../src/billing/statement/read-statement.ts'
import { openUsage } from '../../src/index.ts'
import { retryWebhook } from '../../src/store/alerts/note-delivery.ts'
import { removeImport } from '../../src/store/imports/remove-import.ts'
import { renameOwner } from '../../src/store/keys/rename-owner.ts'
import { findCustomerUsage } from '../../src/store/read/find-customer-usage.ts'
import { findKeys } from '../../src/store/read/find-keys.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { forgetKey } from '../../src/store/remove/forget-key.ts'
import { listLateUsage } from '../../src/store/read/list-late-usage.ts'
import { migrate } from '../../src/store/database/migrate.ts'
import { linkKey } from '../../src/store/keys/link-keys.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { pruneUsage } from '../../src/store/remove/prune-usage.ts'
import { requireSchema } from '../../src/store/database/require-schema.ts'
import { rollUpUsage } from '../../src/store/remove/roll-up-usage.ts'
import { countMissing } from '../../src/store/verify/count-missing.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { measureQuotas } from '../../src/store/quotas/measure-quotas.ts'
import { deprecateRoute, undeprecateRoute } from '../../src/store/routes/deprecate-route.ts'
import { findUnusedRoutes } from '../../src/store/routes/find-unused-routes.ts'
import { setQuota } from '../../src/store/quotas/set-quota.ts'
import { requirePepper } from '../../src/store/read/require-pepper.ts'
import { TestClock } from '../support/worlds/alert-world.ts'
import { administer } from '../support/databases/administer.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { importRows } from '../support/usage/import-rows.ts'
import { HOUR, keyIdOf, makeBatch } from '../support/usage/make-batch.ts'
import { makeRole } from '../support/databases/make-role.ts'
import type { TestRole } from '../support/databases/make-role.ts'
import { readReadmeBlocks } from '../support/read-readme.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { testKey } from '../support/usage/store-usage.ts'

const blocks = readReadmeBlocks('docs/postgresql.md')
const ROLES = ['owner', 'app', 'reader', 'keeper', 'watcher'] as const
const END = new Date(HOUR + 30 * 86_400_000)

const textOf = (name: string) => blocks.find((block) => block.name === name)!.text

test('every block of the page is run by a test', () => {
  // the configuration of PgBouncer is that of its own tests
  const run = [...ROLES, 'pgbouncer', 'encoding', 'job']
  expect(blocks.map(({ name }) => name)).toEqual(run)
})

test('the statement for a database makes one that is taken', async () => {
  const name = `apikey_analytics_test_${randomBytes(8).toString('hex')}`
  const server = process.env['TEST_DATABASE_URL']!
  await administer(server, textOf('encoding').replace('usage', name))
  const url = new URL(server)
  url.pathname = `/${name}`
  expect((await migrate(url.href)).applied).not.toEqual([])
  await administer(server, `drop database ${name} with (force)`)
})

test('the job runs a command that there is', async () => {
  const [, command = ''] = /command: \[npx, apikey-analytics, (\w+)\]/.exec(textOf('job')) ?? []
  const database = await makeDatabase('postgresql', { migrated: false })
  expect(await runCli([command], { env: { DATABASE_URL: database.url } })).toMatchObject({ code: 0 })
  await database.remove()
})

describe('the grants of the page', () => {
  let database: TestDatabase
  const roles = {} as Record<(typeof ROLES)[number], TestRole>

  beforeAll(async () => {
    database = await makeDatabase('postgresql', { migrated: false })
    await administer(database.url, 'revoke all on schema public from public')
    for (const name of ROLES) roles[name] = await makeRole(database.url)
    await runBlock('owner')
    await migrate(roles.owner.url)
    for (const name of ['app', 'reader', 'keeper', 'watcher']) await runBlock(name)
  })
  afterAll(async () => {
    for (const role of Object.values(roles)) await role.remove()
    await database?.remove()
  })

  /** With the names of this test's roles. */
  const runBlock = (name: string) =>
    administer(
      database.url,
      textOf(name).replaceAll(
        /usage_(owner|app|reader|keeper|watcher)/g,
        (_, role: keyof typeof roles) => roles[role].name,
      ),
    )

  /** All that an app does. */
  async function countAsApp(url: string): Promise<void> {
    await deliver(url)
    await use(url, (db) => measureQuotas(db, undefined, HOUR))
  }

  /** Usual batches, gaps, batches that fill them, and those of killed processes. */
  async function deliver(url: string): Promise<void> {
    const store = new DatabaseStore({ url, pepperCheck: 'mine' })
    try {
      await store.connect()
      const [instance, killed] = [randomUUID(), randomUUID()]
      const rows = (requestCount: number, countedBefore = 0) => ({
        countedBefore,
        // a token per request
        quantitiesBefore: { tokens: countedBefore },
        rows: [
          {
            key: 'a',
            requestCount,
            durationUs: 1000 * requestCount,
            quantities: [{ unit: 'tokens', requestCount, quantity: requestCount }],
          },
        ],
      })
      await store.registerRoutes({ routes: [{ endpoint: '/', method: 'GET' }], release: null, at: HOUR })
      await store.recordBatch(makeBatch({ instance, ...rows(1) }))
      await store.recordBatch(makeBatch({ instance, sequence: 3, ...rows(1, 5) }))
      await store.recordBatch(makeBatch({ instance, sequence: 2, ...rows(2, 2) }))
      await store.recordBatch(makeBatch({ instance: killed, isSealed: false, ...rows(1) }))
      await store.recordBatch(makeBatch({ instance: killed, ...rows(2) }))
      // the last one gets the hour of the one before
      for (const [turn, owner] of ['Acme', 'Globex', randomUUID()].entries()) {
        const bucket = HOUR + Math.min(turn, 1) * 3_600_000
        const head = { bucket, sealedAt: bucket + (turn + 1) * 1000, identities: { a: { owner } } }
        await store.recordBatch(makeBatch({ ...head, ...rows(1) }))
      }
      await store.findKnownKeys(10)
    } finally {
      await store.close()
    }
  }

  async function readAsReader(url: string): Promise<void> {
    await use(url, async (db) => {
      await requirePepper(db, undefined).catch((error: { code: string }) => {
        if (error.code !== 'PEPPER_MISMATCH') throw error
      })
      await verifyUsage(db, { histograms: true })
      await listLateUsage(db)
      await findUsage(db, { by: ['key'] })
      await findCustomerUsage(db, {
        customer: { scope: 'owner', keyId: '', owner: 'Acme' },
        since: HOUR,
        until: END.getTime(),
        timeZone: 'UTC',
      })
      await findKeys(db, 'a')
      await checkStored(db)
      await measureQuotas(db)
      await readAlertList(db, '2026-11-01')
      await readStatement(db, 1)
      await findUnusedRoutes(db)
    })
  }

  async function cleanAsKeeper(url: string): Promise<void> {
    await use(url, async (db) => {
      const bucket = new Date(HOUR - 86_400_000).toISOString()
      // a key of its own: a run that was refused halfway leaves its key
      const imported = { ...testKey(9, 'imported', { owner: randomUUID() }), id: randomUUID() }
      const id = await importRows(db, [
        { key: imported, bucket, requests: 1, tokens: 1 },
        { key: imported, bucket: new Date(HOUR).toISOString(), requests: 1, tokens: 1 },
      ])
      await pruneUsage(db, { before: new Date(HOUR) })
      await removeImport(db, id)
    })
    // a period is closed once, so each run begins without statements
    await administer(
      database.url,
      `truncate api_key_analytics_statements, api_key_analytics_statement_accounts, api_key_analytics_statement_lines,
  api_key_analytics_statement_owners, api_key_analytics_statement_removals`,
    )
    await deliver(database.url)
    await use(url, async (db) => {
      // one owner: a day on which a key changes hands is not rolled up
      await nameKey(db, keyIdOf('a'), { owner: randomUUID(), from: new Date(HOUR - 86_400_000) })
      await rollUpUsage(db, { before: END })
    })
    // then the key changes hands within the period that is closed
    await use(database.url, (db) => forgetKey(db, keyIdOf('a')))
    await deliver(database.url)
    await use(url, async (db) => {
      const period = parseBillingPeriod({ day: '2026-11-02' })
      const missing = BigInt(await countMissing(db))
      const acceptMissing = { requests: missing, tokens: missing }
      await closePeriod(db, '/nowhere', { period, billable: ['2xx'], acceptMissing, now: END })
    })
    await deliver(database.url)
    await use(url, async (db) => {
      // and once more, in a time of which nothing was billed
      await nameKey(db, keyIdOf('a'), { owner: randomUUID(), from: new Date(HOUR + 7_200_000) })
      await pruneUsage(db, { before: END })
      await deliver(database.url)
      await pruneUsage(db, { before: END })
    })
    await deliver(database.url)
    await administer(
      database.url,
      `insert into api_key_analytics_keys (id, label, first_seen_at, last_used_at)
values ('${keyIdOf('older')}', 'older', now(), now()) on conflict do nothing`,
    )
    await use(url, async (db) => {
      await setQuota(db, { keyId: keyIdOf('a'), unit: 'tokens', per: 'day', limit: 1 })
      await setQuota(db, { keyId: keyIdOf('a'), unit: 'tokens', per: 'day', limit: 2 })
      await deprecateRoute(db, { endpoint: '/', method: 'GET' })
      await undeprecateRoute(db, { endpoint: '/', method: 'GET' })
      await renameOwner(db, 'nobody', 'somebody')
      await linkKey(db, keyIdOf('a'), { continues: keyIdOf('older') })
      await forgetKey(db, keyIdOf('a'))
    })
  }

  /** Fires an alert and fails to send it. */
  async function watchAsWatcher(url: string): Promise<void> {
    await use(database.url, async (db) => {
      await db.query('delete from api_key_analytics_alerts')
      await setQuota(db, { keyId: keyIdOf('a'), unit: 'requests', per: 'month', limit: 1 })
    })
    await use(url, async (db) => {
      const webhooks = [{ name: 'ops', url: new URL('http://127.0.0.1:1'), secrets: ['QUJD'] }]
      const { now, pause } = new TestClock(HOUR)
      const check = { security: {}, webhooks, delivery: { now, pause } }
      expect((await checkAlerts(db, check)).fired).toHaveLength(2)
      await retryWebhook(db, 'ops', HOUR)
    })
  }

  test('are enough for every command of a role', async () => {
    await countAsApp(roles.app.url)
    // what the ledger lacks of the app's batches
    const missing = await use(roles.reader.url, countMissing)
    const folder = await mkdtemp(join(tmpdir(), 'apikey-analytics-test-'))
    const flush = ['flush', '--set-aside', '--data-dir', folder]
    expect(await runCli(flush, { env: { DATABASE_URL: roles.app.url } })).toMatchObject({ code: 0 })
    const usage = await openUsage(roles.reader.url)
    expect(await usage.findUsage({})).toHaveLength(1)
    await usage.close()
    const exported = join(folder, 'usage.csv')
    await runCli(['export', '--units', '--out', exported], { env: { DATABASE_URL: roles.reader.url } })
    const commands: [role: keyof typeof roles, code: number, ...args: string[]][] = [
      ['owner', 0, 'migrate'],
      ['owner', 0, 'migrate', '--dry-run'],
      ['reader', 0, 'migrate', '--check'],
      ['reader', 0, 'report', '--since', '2026-11-01'],
      ['reader', 0, 'export', '--latency'],
      ['reader', 0, 'security'],
      // the gap that the test's batches leave
      ['reader', 1, 'verify'],
      ['reader', 0, 'keys', 'list'],
      ['reader', 0, 'keys', 'owners', 'a'],
      ['reader', 0, 'customers', 'list'],
      ['watcher', 0, 'alerts', 'check'],
      ['reader', 0, 'alerts', 'list'],
      ['keeper', 0, 'keys', 'name', 'a', '--owner', 'Acme'],
      ['keeper', 0, 'keys', 'unlink', 'a'],
      [
        'keeper',
        0,
        'close',
        '--day',
        '2026-11-02',
        '--billable',
        '2xx',
        '--accept-missing',
        `${missing},tokens=${missing}`,
      ],
      ['reader', 0, 'statements', 'list'],
      ['reader', 0, 'statements', 'show', '1'],
      ['reader', 0, 'statements', 'check'],
      ['keeper', 0, 'routes', 'deprecate', '/'],
      ['reader', 0, 'routes', 'list'],
      ['reader', 0, 'report', '--deprecated'],
      ['keeper', 0, 'routes', 'undeprecate', '/'],
      ['keeper', 0, 'prune', '--before', '2026-11-20', '--roll-up', 'day', '--yes'],
      ['keeper', 0, 'prune', '--before', '2026-11-20', '--yes'],
      ['keeper', 0, 'keys', 'forget', 'a', '--yes'],
      ['keeper', 0, 'import', exported, '--as', 'again'],
      ['reader', 0, 'imports', 'list'],
      ['reader', 0, 'export', '--columns', 'importId'],
      ['keeper', 0, 'imports', 'remove', '1', '--yes'],
    ]
    for (const [role, code, ...args] of commands) {
      const { stderr, ...ended } = await runCli(args, { env: { DATABASE_URL: roles[role].url } })
      expect({ args, code: ended.code, stderr }).toEqual({
        args,
        code,
        stderr: expect.not.stringContaining('Error'),
      })
    }
    await rm(folder, { recursive: true })
  })

  test.each([
    ['app', countAsApp],
    ['reader', readAsReader],
    ['keeper', cleanAsKeeper],
    ['watcher', watchAsWatcher],
  ] as const)('have nothing that the %s does not need', async (role, run) => {
    const { name, url } = roles[role]
    await countAsApp(database.url)
    await watchAsWatcher(database.url)
    const granted = await administer<{ privilege: string; kind: string; object: string }>(
      database.url,
      `select privilege_type as privilege, case c.relkind when 'S' then 'sequence' else 'table' end as kind,
  c.relname as object
from pg_class c, aclexplode(c.relacl) a
where a.grantee = '${name}'::regrole
union all
select privilege_type, 'schema', nspname from pg_namespace n, aclexplode(n.nspacl) a where a.grantee = '${name}'::regrole`,
    )
    expect(granted.length).toBeGreaterThan(2)
    const needless: string[] = []
    for (const { privilege, kind, object } of granted) {
      const grant = `${privilege} on ${kind} ${object}`
      await administer(database.url, `revoke ${grant} from ${name}`)
      const error = await run(url).catch((error: { code: string }) => error)
      if (error?.code !== 'DATABASE_REFUSED') needless.push(grant)
      await administer(database.url, `grant ${grant} to ${name}`)
    }
    expect(needless).toEqual([])
    await run(url)
  })

  test('let the owner move everything away and back, and nobody else', async () => {
    const other = await makeDatabase('sqlite', { migrated: false })
    const moveAs = (url: string, to: string) => runCli(['move', '--to', to], { env: { DATABASE_URL: url } })
    for (const role of ['app', 'reader', 'watcher'] as const)
      expect(await moveAs(roles[role].url, other.url)).toMatchObject({ code: 1 })
    // which changed nothing
    await countAsApp(roles.app.url)
    expect(await moveAs(roles.owner.url, other.url)).toMatchObject({ code: 0 })
    await expect(countAsApp(roles.app.url)).rejects.toMatchObject({ code: 'DATABASE_MOVED' })
    expect(await moveAs(other.url, roles.owner.url)).toMatchObject({ code: 0 })
    await countAsApp(roles.app.url)
    await other.remove()
  })
})

async function use<T>(url: string, run: (db: Database) => Promise<T>): Promise<T> {
  const db = await openDatabase(url)
  try {
    await requireSchema(db)
    return await run(db)
  } finally {
    await db.close()
  }
}
