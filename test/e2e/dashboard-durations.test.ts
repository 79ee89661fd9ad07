import type { Route } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatDuration } from '../../src/terminal/format-number.ts'
import type { ReportGroup } from '../../src/report/usage/usage-report.ts'
import { loaded, openPage } from '../support/browser/browser.ts'
import { forAnyDatabase, forEachDatabase } from '../support/databases/for-each-database.ts'
import { browseDashboard } from '../support/browser/browse-dashboard.ts'
import type { BrowsedDashboard } from '../support/browser/browse-dashboard.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const often = testKey(1, 'often')
const slow = testKey(2, 'slow')
const unknown = testKey(3, 'unknown')
const unmeasured = { durationUs: 0, durationBins: [0, 30] }
const ROWS = [
  { key: often, bucket: '2026-10-01T10:00Z', requests: 990, durationUs: 400 },
  { key: often, bucket: '2026-10-01T10:00Z', endpoint: '/reports', requests: 10, durationUs: 12_000 },
  { key: slow, bucket: '2026-10-02T10:00Z', endpoint: '/reports', requests: 50, durationUs: 3_400_000 },
  { key: unknown, bucket: '2026-10-03T10:00Z', requests: 30, ...unmeasured },
  { key: unknown, bucket: '2026-08-03T10:00Z', requests: 30, ...unmeasured },
]
const OCTOBER = '?month=2026-10'
/** Customers, keys and endpoints. */
const LISTS = 3
const NAMES = ['meanDurationMs', 'p50Ms', 'p95Ms', 'p99Ms'] as const

forEachDatabase('durations on the dashboard', (kind, makeUrl) => {
  let database: string
  let { served, browser, watched, page, open, close } = {} as BrowsedDashboard
  const toggle = () => page.getByRole('button', { name: 'Durations' })
  const report = async (...flags: string[]) => {
    const env = { DATABASE_URL: database, APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
    const { stdout } = await runCli(['report', '--month', '2026-10', ...flags, '--latency', '--json'], {
      env,
    })
    const { total, sections } = JSON.parse(stdout)
    return { total: shown(total), groups: sections[0].groups.map(shown) }
  }
  const cells = async (list: string) => {
    const rows = await page.locator(`.list:has(h2:text-is("${list}")) tbody tr`).all()
    return Promise.all(rows.map((row) => row.locator('.duration').allInnerTexts()))
  }
  const cards = () => page.locator('.cards:visible').nth(1).locator('.value').allInnerTexts()

  beforeAll(async () => {
    database = await makeUrl()
    await storeUsage(database, ROWS)
    ;({ served, browser, watched, page, open, close } = await browseDashboard(database))
  })
  afterAll(() => close())

  test('are asked for and shown only when wanted, then as the command line has them', async () => {
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await open(OCTOBER)
    expect(await toggle().getAttribute('aria-pressed')).toBe('false')
    expect(await page.locator('.duration').count()).toBe(0)
    expect(await page.locator('.cards:visible').count()).toBe(1)
    expect(asked.filter((url) => url.includes('latency'))).toEqual([])
    await toggle().press('Enter')
    await page.waitForURL(/latency=1/)
    await loaded(page)
    expect(await toggle().getAttribute('aria-pressed')).toBe('true')
    const byKey = await report('--by', 'key')
    expect(byKey.groups).toContainEqual(['3.4 s', '3.6 s', '3.6 s', '3.6 s'])
    expect(byKey.groups).toContainEqual(['–', '–', '–', '–'])
    expect(await cells('Keys')).toEqual(byKey.groups)
    expect(await cells('Endpoints')).toEqual((await report('--by', 'method,endpoint')).groups)
    expect(await cards()).toEqual(byKey.total)
    expect(await page.locator('.notes').innerText()).toContain('30 of 1,080 requests was not measured')
  })

  test('order a list as the command line does, and give the order back when they go', async () => {
    const names = () => page.locator('.list:has(h2:text-is("Keys")) tbody th').allInnerTexts()
    await open(`${OCTOBER}&latency=1`)
    expect(await names()).toEqual(['often', 'slow', 'unknown'])
    await page.locator('.list:has(h2:text-is("Keys"))').getByRole('button', { name: 'p95' }).click()
    await page.waitForURL(/k.sort=p95/)
    await loaded(page)
    expect(await names()).toEqual(['slow', 'often', 'unknown'])
    expect(await page.locator('.list:has(h2:text-is("Keys")) th[aria-sort]').innerText()).toContain('p95')
    expect(await cells('Keys')).toEqual((await report('--by', 'key', '--sort', 'p95')).groups)
    await toggle().click()
    await page.waitForURL((url) => !url.search.includes('p95'))
    await loaded(page)
    expect(await names()).toEqual(['often', 'slow', 'unknown'])
  })

  test('come as CSV when they are shown', async () => {
    for (const [query, found] of [
      ['', false],
      ['&latency=1', true],
    ] as const) {
      await open(OCTOBER + query)
      const link = await page.getByLabel('Download keys as CSV').getAttribute('href')
      const answer = await page.request.get(new URL(link!, page.url()).href)
      expect((await answer.text()).includes('p95Ms')).toBe(found)
    }
  })

  forAnyDatabase(kind, () => {
    test('say so when nothing was measured', async () => {
      await open('?month=2026-08&latency=1')
      expect(await cards()).toEqual(['–', '–', '–', '–'])
      expect(await page.getByText('not measured', { exact: true }).count()).toBe(4)
      expect(await cells('Keys')).toEqual([['–', '–', '–', '–']])
      expect(await page.locator('td.duration span').first().getAttribute('title')).toBe('not measured')
    })

    test('stay after a reload and on other pages, and go as they came', async () => {
      await open(`${OCTOBER}&latency=1`)
      await page.reload()
      await loaded(page)
      expect((await cells('Keys'))[0]).toHaveLength(4)
      await page.getByRole('link', { name: 'slow' }).click()
      await page.waitForURL(/key=/)
      await loaded(page)
      expect(await cells('Endpoints')).toEqual([['3.4 s', '3.6 s', '3.6 s', '3.6 s']])
      expect(await cards()).toEqual(['3.4 s', '3.6 s', '3.6 s', '3.6 s'])
      await toggle().click()
      await page.waitForURL((url) => !url.search.includes('latency'))
      await loaded(page)
      expect(await cells('Endpoints')).toEqual([[]])
      await page.goBack()
      await loaded(page)
      expect(await cells('Endpoints')).toHaveLength(1)
    })

    test('are not asked for again while the database is still busy with them', async () => {
      const { page: other } = await openPage(browser, { storageState: await page.context().storageState() })
      const held: Route[] = []
      await other.clock.install()
      await other.route(/api\/(report|customers)/, (route) => void held.push(route))
      await other.goto(new URL(`/${OCTOBER}&latency=1`, served.url).href)
      await other.locator('.value', { hasText: '1,080' }).waitFor()
      expect(await other.locator('.cards').nth(1).locator('.value').allInnerTexts()).toEqual([
        '…',
        '…',
        '…',
        '…',
      ])
      await other.clock.fastForward(600_000)
      expect(held).toHaveLength(LISTS)
      await Promise.all(held.map((route) => route.continue()))
      await loaded(other)
      // ten minutes of work are followed by a hundred of rest
      await other.clock.fastForward(3_600_000)
      expect(held).toHaveLength(LISTS)
      await other.clock.fastForward(3_600_000)
      await expect.poll(() => held.length).toBe(2 * LISTS)
      await other.close()
    })
  })

  test('made nobody complain in all of this', () => {
    expect(watched.complaints).toEqual([])
  })
})

/** The durations of a line as the page has to show them. */
function shown(line: ReportGroup): string[] {
  return NAMES.map((name) => (line[name] ? formatDuration(line[name]) : '–'))
}
