import { afterAll, beforeAll, expect, test } from 'vitest'
import { openUsage } from '../../src/index.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { startOf } from '../../src/time/calendar.ts'
import { browseDashboard } from '../support/browser/browse-dashboard.ts'
import type { BrowsedDashboard } from '../support/browser/browse-dashboard.ts'
import { loaded } from '../support/browser/browser.ts'
import { findViolations } from '../support/browser/find-violations.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const DAY_MS = 86_400_000
const bucket = startOf('hour', new Date(), 'UTC').toISOString()
const feed = testKey(1, 'key_feed', { name: 'Data feed', owner: 'Acme' })
/** A pattern that is HTML. */
const HOSTILE = '/<b>x</b>'

forEachDatabase('routes on the dashboard', (kind, makeUrl) => {
  let database: string
  let { served, watched, page, open, close } = {} as BrowsedDashboard
  const panel = () => page.locator('section:has(h2:text-is("Routes"))')
  const lines = async () =>
    (await panel().locator('li').allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' ').trim())
  const ask = async (path: string) =>
    (await page.context().request.get(new URL(`/api/${path}`, served.url).href)).json()

  beforeAll(async () => {
    database = await makeUrl()
    await storeUsage(database, [{ key: feed, bucket, endpoint: '/old', requests: 4 }])
    ;({ served, watched, page, open, close } = await browseDashboard(database))
  })
  afterAll(() => close())

  test('are not there where there are none', async () => {
    await open('')
    expect(await panel().isVisible()).toBe(false)
    const store = new DatabaseStore({ url: database, pepperCheck: '' })
    const routes = [HOSTILE, '/fine', '/old'].map((endpoint) => ({ endpoint, method: 'GET' }))
    for (const days of [60, 40, 20, 0])
      await store.registerRoutes({ routes, release: '1', at: Date.now() - days * DAY_MS })
    await store.close()
    await storeUsage(database, [
      { key: feed, bucket, endpoint: '/old', requests: 1 },
      { key: feed, bucket, endpoint: '/fine', requests: 1 },
    ])
    const usage = await openUsage(database)
    await usage.deprecateRoute({ method: 'GET', endpoint: '/old', sunset: new Date('2099-01-01') })
    await usage.close()
    // the server keeps an answer for two seconds
    await expect.poll(async () => (await ask('routes')).deprecatedCount).toBe(1)
  })

  test('the API answers with as many as asked for', async () => {
    expect(await ask('routes?days=7')).toMatchObject({
      days: 7,
      routeCount: 3,
      unusedCount: 1,
      unused: [{ endpoint: HOSTILE, state: 'never' }],
      deprecated: [{ endpoint: '/old', sunsetAt: '2099-01-01T00:00:00.000Z' }],
    })
    expect(await ask('routes?endpoint=/fine')).toMatchObject({ unused: [], deprecated: [] })
    expect((await ask('routes?days=0')).error.code).toBe('WRONG_USAGE')
    expect((await ask('routes?since=7d')).error.code).toBe('WRONG_USAGE')
  })

  test('the overview lists them with links, and their pages say it too', async () => {
    await open('')
    const [deprecated, unused, ...others] = await lines()
    expect(deprecated).toMatch(/^GET \/old Deprecated, sunset 2099-01-01\. Last call \d{4}-/)
    expect(unused).toBe('GET /<b>x</b> Not called in 30 days. Never called since it was registered')
    expect(others).toEqual([])
    expect(await panel().locator('header').innerText()).toMatch(
      /1 deprecated, 1 without a request in 30 days\. Complete days until \d{4}-/,
    )
    // what is readable does not depend on the database
    if (kind === 'sqlite') expect(await findViolations(page)).toEqual([])
    await panel().getByRole('link', { name: 'GET /old' }).click()
    await loaded(page)
    expect(await page.locator('h1').innerText()).toBe('GET /old')
    expect(await lines()).toEqual([expect.stringContaining('Deprecated, sunset 2099-01-01')])
    await open('?owner=Acme')
    expect(await panel().isVisible()).toBe(false)
    expect(watched.complaints).toEqual([])
  })
})
