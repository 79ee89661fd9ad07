import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { fire, makeCandidate } from '../support/worlds/alert-world.ts'
import { browseDashboard } from '../support/browser/browse-dashboard.ts'
import type { BrowsedDashboard } from '../support/browser/browse-dashboard.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { expectReadable } from '../support/browser/expect-readable.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

/** A folder for pictures of the panel, to look at. */
const PICTURES = process.env['ALERT_PICTURES']
const hour = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString()
const evil = testKey(1, 'evil', { name: '<img src=x onerror=alert(1)>', owner: 'Globex' })
const LONG = `Acme ${'very-long-name-without-spaces-'.repeat(5)}`

let database: TestDatabase
let dashboard: BrowsedDashboard

beforeAll(async () => {
  database = await makeDatabase('sqlite')
  await storeUsage(database.url, [{ key: evil, bucket: hour, requests: 950 }])
  const db = await openDatabase(database.url)
  const now = Date.now()
  await fire(db, [makeCandidate(LONG)], ['ops', 'billing.example.com'], now - 3000)
  await fire(
    db,
    [makeCandidate('', { keyId: evil.id, owner: null, severity: 'high', threshold: 100 })],
    ['ops'],
    now - 2000,
  )
  await fire(db, [makeCandidate('Initech')], [], now - 1000)
  await db.query(
    `update api_key_analytics_alert_deliveries
set state = 'delivered', delivered_at = ${db.dialect.timeOf(String(now))}, attempts = 1
where webhook = 'billing.example.com'`,
  )
  await db.query(
    `update api_key_analytics_alert_deliveries set attempts = 3, last_error = 'answered 500' where webhook = 'ops'`,
  )
  await db.close()
  dashboard = await browseDashboard(database.url)
})
afterAll(async () => {
  await dashboard?.close()
  await database.remove()
})

const openPanel = async (query = '') => {
  await dashboard.open(query)
  await dashboard.page.getByText('Alerts of the last 30 days').click()
  await dashboard.page.locator('.finding').first().waitFor()
  return dashboard.page.locator('.finding')
}

test('the page shows what fired, newest first, and how far each is delivered; names as text', async () => {
  const alerts = await openPanel()
  const texts = await alerts.allInnerTexts()
  expect(texts).toHaveLength(3)
  expect(texts[0]).toMatch(/medium 80% of requests per month Initech/i)
  expect(texts[0]).toMatch(/Sent to\s+no webhook/)
  expect(texts[1]).toMatch(/high 100% of requests per month <img src=x onerror=alert\(1\)>/i)
  expect(texts[1]).toMatch(/Sent to\s+ops: waits for the next check, 3 attempts, answered 500/)
  expect(texts[2]).toContain('812 of 1,000 requests used in 2026-11 (80% reached)')
  expect(texts[2]).toMatch(/billing\.example\.com: delivered \d{4}-/)
  expect(await dashboard.page.getByText('Alerts: 3. Not delivered yet: 2.').isVisible()).toBe(true)
})

test('an alert leads to the page of its key or customer, where the list is not shown', async () => {
  await (await openPanel()).nth(1).getByRole('link').click()
  await dashboard.page.getByRole('heading', { level: 1, name: '<img src=x' }).waitFor()
  expect(await dashboard.page.getByText('Alerts of the last 30 days').isVisible()).toBe(false)
  await (await openPanel()).nth(2).getByRole('link').click()
  await dashboard.page.getByRole('heading', { level: 1, name: LONG }).waitFor()
  dashboard.watched.forgive('400')
})

test('the list is readable by everybody', async () => {
  const { page } = dashboard
  const alerts = await openPanel()
  await expectReadable(page, [390, 1280, 1920], async (width) => {
    if (!PICTURES) return
    await alerts.last().scrollIntoViewIfNeeded()
    await page.locator('.panel', { has: alerts }).screenshot({ path: `${PICTURES}/${width}.png` })
  })
})

test('the API gives what the command gives, and refuses what it does not know', async () => {
  const read = (query: string) =>
    dashboard.page.evaluate<{ alerts?: unknown[]; error?: { code: string } }>(
      `fetch('api/alerts?${query}').then((answer) => answer.json())`,
    )
  expect((await read('')).alerts).toHaveLength(3)
  expect((await read('since=2100-01-01')).alerts).toEqual([])
  expect((await read('nonsense=1')).error?.code).toBe('WRONG_USAGE')
  dashboard.watched.forgive('400')
  expect(dashboard.watched.complaints).toEqual([])
})
