import { once } from 'node:events'
import { expect, test } from 'vitest'
import { migrate } from '../../src/store/database/migrate.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import { runByHand } from '../support/databases/replace-database.ts'
import { startProcess } from '../support/processes/run-process.ts'
import { readAccount, serveAnalytics, type ServedAnalytics } from '../support/apps/serve-analytics.ts'
import { until } from '../support/apps/serve-app.ts'
import { startCluster } from '../support/databases/start-cluster.ts'

const HOUR_MS = 3_600_000

async function expectExact(app: ServedAnalytics, database: string): Promise<void> {
  await app.analytics.flush()
  expect(app.answered).toBeGreaterThan(0)
  expect(app.analytics.stats()).toMatchObject({ flushed: app.answered, pending: 0 })
  const account = await readAccount(database)
  expect(account).toMatchObject({ storedRequests: app.answered, missingRequests: 0, balanced: true })
}

test('counts exactly while PostgreSQL dies and comes back under load, again and again', async () => {
  const cluster = await startCluster()
  const database = (await makeDatabase('postgresql', { server: cluster.url })).url
  {
    await using app = await serveAnalytics({ database, flushIntervalMs: 100 })
    for (let death = 0; death < 3; death += 1) {
      await app.request(20)
      await app.analytics.flush()
      const answered = app.answered
      const load = app.request(300)
      await until(() => app.answered > answered + 50)
      await cluster.stop('immediate')
      await app.request(20)
      await app.analytics.flush().catch(() => {})
      await cluster.start()
      await load
    }
    expect(app.analytics.stats().failedFlushes).toBeGreaterThan(0)
    await expectExact(app, database)
  }
  await cluster.remove()
})

test('neither waits nor loses a count while another process holds the lock of the SQLite file', async () => {
  const sqlite = await makeDatabase('sqlite')
  const { url } = sqlite
  {
    await using app = await serveAnalytics({ database: url })
    await app.request(5)
    await app.analytics.flush()
    const holder = startProcess('hold-lock', url.slice('sqlite:'.length))
    await once(holder.stdout!, 'data')
    await app.request(5)
    let ended = false
    const flushed = app.analytics
      .flush()
      .catch(() => {})
      .finally(() => (ended = true))
    await app.request(20)
    app.analytics.flush().catch(() => {})
    await app.request(20)
    // had SQLite held the event loop while it waited for the lock, the flush would be over before an answer
    expect({ ended, answered: app.answered, flushed: app.analytics.stats().flushed }).toEqual({
      ended: false,
      answered: 50,
      flushed: 5,
    })
    const released = once(holder, 'exit')
    holder.stdin!.end('go')
    await released
    await flushed
    await expectExact(app, url)
  }
  await sqlite.remove()
})

test('keeps the counts behind a wrong password and delivers them once it is put right', async () => {
  const cluster = await startCluster()
  const { url: database } = await makeDatabase('postgresql', { server: cluster.url })
  await runByHand(database, `create role shop login superuser password 'former'`)
  const url = new URL(database)
  url.username = 'shop'
  url.password = 'right one'
  {
    await using app = await serveAnalytics({ database: url.href })
    await app.request(12)
    await expect(app.analytics.flush()).rejects.toMatchObject({ code: 'DATABASE_REFUSED' })
    for (const { message } of app.errors) expect(message).not.toContain('right')
    expect(app.analytics.stats()).toMatchObject({ counted: 12, pending: 12 })
    await runByHand(database, `alter role shop password 'right one'`)
    await expectExact(app, database)
  }
  await cluster.remove()
})

test('collects for hours before the database is migrated, and then delivers every hour as its own', async () => {
  const unmigrated = await makeDatabase('postgresql', { migrated: false })
  const { url: database } = unmigrated
  {
    await using app = await serveAnalytics({ database })
    for (let hour = 0; hour < 4; hour += 1) {
      await app.request(5 + hour)
      await expect(app.analytics.flush()).rejects.toMatchObject({ code: 'DATABASE_NOT_MIGRATED' })
      app.passTime(HOUR_MS)
    }
    await migrate(database)
    await expectExact(app, database)
    const account = await readAccount(database)
    expect(account.instances.length).toBeGreaterThan(1)
  }
  await unmigrated.remove()
})
