import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { serveDashboard } from '../../src/dashboard/serve-dashboard.ts'
import { loaded, openPage, startBrowser } from '../support/browser/browser.ts'
import { expectReadable } from '../support/browser/expect-readable.ts'
import { forAnyDatabase, forEachDatabase } from '../support/databases/for-each-database.ts'
import { browseDashboard } from '../support/browser/browse-dashboard.ts'
import type { BrowsedDashboard } from '../support/browser/browse-dashboard.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const acme = testKey(1, 'sk_l…9f2a', { name: 'Mobile app', owner: 'acme' })
const image = testKey(2, '<img src=x onerror=alert(1)>')
const turned = testKey(3, 'user\u202Etxt.exe')
const long = testKey(4, 'L'.repeat(200), { name: 'N'.repeat(200), owner: '<script>alert(2)</script>' })
const many = Array.from({ length: 12 }, (_, index) => testKey(100 + index, `many-${index}`))
const ENDPOINTS = ['/<img src=x onerror=alert(3)>', `/${'long'.repeat(124)}`, '/"><script>alert(4)</script>']
const ROWS = [
  { key: acme, bucket: '2026-08-31T10:00Z', requests: 1 },
  { key: acme, bucket: '2026-09-10T10:00Z', requests: 1000 },
  { key: acme, bucket: '2026-10-01T10:00Z', requests: 1200 },
  { key: acme, bucket: '2026-10-05T09:00Z', status: 404, requests: 34 },
  { key: acme, bucket: '2026-10-31T23:00Z', method: 'POST', endpoint: '/orders', status: 201, requests: 500 },
  { key: image, bucket: '2026-10-12T10:00Z', endpoint: ENDPOINTS[0]!, status: 500, requests: 66 },
  { key: turned, bucket: '2026-10-12T10:00Z', endpoint: ENDPOINTS[1]!, status: 401, requests: 5 },
  { key: long, bucket: '2026-10-12T10:00Z', endpoint: ENDPOINTS[2]!, requests: 300 },
  ...many.map((key, index) => ({ key, bucket: '2026-10-20T10:00Z', requests: 20 + index })),
]
const OCTOBER = '?month=2026-10'
const WIDTHS = [360, 1280]
/** By the clock of the page: after it the page asks again. */
const A_WHILE_MS = 60_000

forEachDatabase('the dashboard in a browser', (kind, makeUrl) => {
  let database: string
  let { served, watched, page, open, close } = {} as BrowsedDashboard
  const firstCells = (list: string) =>
    page.locator(`.list:has(h2:text-is("${list}")) tbody th`).allInnerTexts()

  const range = (list: string) => page.locator(`.list:has(h2:text-is("${list}")) .range`).innerText()

  beforeAll(async () => {
    database = await makeUrl()
    await storeUsage(database, ROWS)
    ;({ served, watched, page, open, close } = await browseDashboard(database, (page) =>
      page.clock.install(),
    ))
  })
  afterAll(() => close())

  test('is let in by the link, whose token does not stay in the address', () => {
    expect(new URL(page.url()).search).toBe('')
  })

  test('shows the numbers that the command line shows for the same period', async () => {
    await open(OCTOBER)
    const env = { DATABASE_URL: database, APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
    const { stdout } = await runCli(['report', '--month', '2026-10', '--json'], { env })
    const { total, activeKeys, sections } = JSON.parse(stdout)
    expect(await page.locator('.card .value').allInnerTexts()).toEqual([
      total.requests.toLocaleString('en-US'),
      String(activeKeys),
      `${(total.errorRate * 100).toFixed(1)}%`,
      String(total.rejected),
    ])
    expect(await page.locator('.card .change').first().textContent()).toBe(
      `up ${(total.change * 100).toFixed(1)}% vs period before`,
    )
    const shown = await page.locator('.list:has(h2:text-is("Keys")) tbody tr').allInnerTexts()
    const keys = sections.find(({ by }: { by: string[] }) => by.join() === 'key')
    const expected = keys.groups.map(({ requests }: { requests: number }) => requests.toLocaleString('en-US'))
    expect(shown.map((row) => row.split('\t')[1])).toEqual(expected)
    expect(await page.locator('.verified').innerText()).toContain('are stored')
  })

  test('shows the usage of one owner when the address names one', async () => {
    await open(`${OCTOBER}&owner=acme`)
    expect(await page.locator('h1').innerText()).toBe('Customer acme')
    expect(await page.locator('.card .value').first().innerText()).toBe('1,734')
    expect(await firstCells('Keys')).toHaveLength(1)
    expect(await page.locator('.banner:visible').count()).toBe(0)
    await page.locator('.back a').click()
    await page.waitForURL((url) => !url.search.includes('owner'))
  })

  test('names both periods, and says when history begins instead of a change', async () => {
    await open(OCTOBER)
    expect(await page.locator('.facts').innerText()).toBe(
      '2026-10-01 00:00 to 2026-11-01 00:00 (UTC), compared with 2026-09-01 00:00 to 2026-10-01 00:00 (UTC)',
    )
    await open('?month=2026-09')
    expect(await page.locator('.card .change').allInnerTexts()).toEqual(
      Array.from({ length: 4 }, () => 'history begins on 31 August 2026'),
    )
  })

  test('filters by status for everything that it shows, and keeps the choice in the address', async () => {
    await open(OCTOBER)
    await page.getByLabel('Statuses', { exact: true }).selectOption('4xx')
    await page.waitForURL(/status=4xx/)
    await loaded(page)
    expect(await page.locator('.card .value').first().innerText()).toBe('39')
    expect(await page.locator('.statuses tbody th').allInnerTexts()).toEqual(['401', '404'])
    await page.reload()
    await loaded(page)
    expect(await page.locator('.card .value').first().innerText()).toBe('39')
    await page.goBack()
    await loaded(page)
    expect(await page.locator('.card .value').first().innerText()).toBe('2,411')
  })

  test('puts days where the chosen time zone has them', async () => {
    await open(OCTOBER)
    await page.getByLabel('Time zone').selectOption('Europe/Berlin')
    await page.waitForURL(/tz=Europe/)
    await loaded(page)
    // 23:00 UTC on the last of October is already November in Berlin
    expect(await page.locator('.card .value').first().innerText()).toBe('1,911')
  })

  test('sorts, turns pages and searches lists', async () => {
    await open(OCTOBER)
    expect((await firstCells('Keys'))[0]).toContain('Mobile app')
    await page.locator('.list:has(h2:text-is("Keys"))').getByRole('button', { name: 'Requests' }).click()
    await page.waitForURL(/k.order=asc/)
    await loaded(page)
    expect((await firstCells('Keys'))[0]).toBe('user\\u{202e}txt.exe')
    const next = page.getByRole('button', { name: 'Next page of keys' })
    await next.click()
    await page.waitForURL(/k.page=2/)
    await loaded(page)
    expect((await firstCells('Keys')).at(-1)).toContain('Mobile app')
    await page.getByLabel('Search keys').fill('many-1')
    await page.waitForURL(/k.search=many-1/)
    await loaded(page)
    expect(await firstCells('Keys')).toEqual(['many-1', 'many-10', 'many-11'])
    expect(await range('Keys')).toBe('1–3 of 3')
  })

  test('turns the pages of ten thousand keys', async () => {
    const crowd = Array.from({ length: 10_000 }, (_, index) => testKey(10_000 + index, `crowd-${index}`))
    await storeUsage(
      database,
      crowd.map((key, index) => ({ key, bucket: '2025-05-05T10:00Z', requests: 1 + index })),
    )
    await open('?month=2025-05&k.page=1000')
    expect(await page.locator('.card .value').nth(1).innerText()).toBe('10,000')
    expect(await range('Keys')).toBe('9,991–10,000 of 10,000')
    expect((await firstCells('Keys')).at(-1)).toBe('crowd-0')
  })

  test('downloads as CSV what a list shows', async () => {
    await open(`${OCTOBER}&k.search=many-1&k.sort=group`)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByLabel('Download keys as CSV').click(),
    ])
    const stream = await download.createReadStream()
    const chunks = await stream.toArray()
    const lines = Buffer.concat(chunks as Buffer[])
      .toString()
      .trim()
      .split('\r\n')
    expect(lines.slice(1).map((line) => line.split(',')[1])).toEqual(['many-1', 'many-10', 'many-11'])
  })

  forAnyDatabase(kind, () => {
    test('draws the requests of every day, and reads them out to the keyboard', async () => {
      await open(OCTOBER)
      const colours = await page
        .locator('.canvas .bar')
        .evaluateAll((bars) =>
          bars.map((bar: { getAttribute(name: string): string | null }) => [
            bar.getAttribute('d')!.split('M').length - 1,
            (
              globalThis as unknown as { getComputedStyle(element: unknown): { fill: string } }
            ).getComputedStyle(bar).fill,
          ]),
        )
      // from the bottom: 2xx, 3xx, 1xx, 4xx, 5xx, and of each the days that have some
      expect(colours).toEqual([
        [4, 'rgb(79, 125, 240)'],
        [0, 'rgb(169, 193, 251)'],
        [0, 'rgb(138, 147, 163)'],
        [2, 'rgb(237, 163, 59)'],
        [1, 'rgb(214, 69, 69)'],
      ])
      await page.locator('.canvas').focus()
      await page.keyboard.press('ArrowRight')
      expect(await page.locator('.readout').innerText()).toMatch(/^2026-10-01 1,200/)
      await page.keyboard.press('End')
      expect(await page.locator('.readout').innerText()).toMatch(/^2026-10-31 500/)
    })

    test('warns of a key that nobody uses any more', async () => {
      const old = testKey(50, 'old-key')
      await storeUsage(database, [{ key: old, bucket: '2025-01-01T10:00Z', requests: 1 }])
      await open(`?since=2025-01-01&until=2025-02-01&key=${old.id}`)
      expect(await page.locator('.stale').innerText()).toBe('Not used for over 30 days')
    })

    test('shows a new request by itself, without losing the place of the keyboard', async () => {
      await open(OCTOBER)
      await page.getByRole('link', { name: 'Mobile app' }).focus()
      await storeUsage(database, [{ key: acme, bucket: '2026-10-15T10:00Z', requests: 3 }])
      // the server reuses an answer for some seconds of its own clock
      const now = performance.now.bind(performance)
      const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + A_WHILE_MS)
      onTestFinished(() => clock.mockRestore())
      await page.clock.fastForward(A_WHILE_MS)
      await page.locator('.card .value:text-is("2,414")').waitFor()
      await loaded(page)
      expect(await page.evaluate('document.activeElement.innerText')).toContain('Mobile app')
    })

    test('says what is wrong with an address, and what to do when a period is empty', async () => {
      await page.goto(new URL('/?since=nonsense', served.url).href)
      await page.locator('.banner.failure:not([hidden])').waitFor()
      expect(await page.locator('.banner.failure').innerText()).toContain(
        'Cannot read "nonsense" as a period.',
      )
      await open('?since=2020-01-01&until=2020-02-01')
      expect(await page.locator('.empty').innerText()).toContain('app.use(apiKeyAnalytics())')
      watched.forgive('status of 400')
    })

    test('says what in the address changes nothing', async () => {
      await open(`${OCTOBER}&ownr=acme`)
      expect(await page.locator('.banner.warning').innerText()).toMatch(
        /^"ownr" in the address changes nothing here: .*owner/,
      )
      await open(`${OCTOBER}&k.sort=group&live=off`)
      expect(await page.locator('.banner:visible').count()).toBe(0)
    })

    test('opens a key and an endpoint by the keyboard alone', async () => {
      await open(OCTOBER)
      await page.keyboard.press('/')
      await page.keyboard.type('acme')
      await page.waitForURL(/c.search=acme/)
      await loaded(page)
      expect(await firstCells('Customers')).toEqual(['acme'])
      // customers come first, where somebody has an owner
      await page.getByLabel('Search keys').focus()
      await page.keyboard.type('Mobile')
      await page.waitForURL(/k.search=Mobile/)
      await loaded(page)
      // from the search over the download and four orders to the first name
      const isLink = () => page.evaluate('document.activeElement.matches("tbody a")')
      for (let presses = 0; presses < 8 && !(await isLink()); presses++) await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.waitForURL(/key=/)
      await loaded(page)
      expect(await page.locator('h1').innerText()).toBe('Mobile app')
      expect(await page.evaluate('document.activeElement.tagName')).toBe('H1')
      expect(await page.locator('.facts').innerText()).toContain('last used 2026-10-31 23:00')
      expect(await firstCells('Endpoints')).toEqual(
        ['GET\n/users/:id', 'POST\n/orders'].map((text) => expect.stringContaining(text.split('\n')[1]!)),
      )
      await page.getByRole('link', { name: '/orders' }).press('Enter')
      await page.waitForURL(/endpoint=%2Forders/)
      await loaded(page)
      expect(await page.locator('h1').innerText()).toBe('POST /orders')
      expect((await firstCells('Keys'))[0]).toContain('Mobile app')
    })

    test('shows hostile names as what they are', async () => {
      const dialogs: string[] = []
      page.on('dialog', (dialog) => {
        dialogs.push(dialog.message())
        void dialog.dismiss()
      })
      await open(OCTOBER)
      expect(await firstCells('Keys')).toContain('<img src=x onerror=alert(1)>')
      expect(await firstCells('Keys')).not.toContain('user\u202Etxt.exe')
      expect((await firstCells('Endpoints')).join()).toContain(ENDPOINTS[0])
      for (const key of [image, turned, long]) {
        await open(`${OCTOBER}&key=${key.id}`)
        expect(await page.locator('h1 bdi').count()).toBe(1)
      }
      for (const endpoint of ENDPOINTS) {
        await open(`${OCTOBER}&method=GET&endpoint=${encodeURIComponent(endpoint)}`)
        expect(await page.locator('h1').innerText()).toBe(`GET ${endpoint}`)
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
      }
      expect(await page.locator('img, iframe, body script').count()).toBe(0)
      expect(dialogs).toEqual([])
    })

    test('is readable by everybody', async () => {
      for (const query of ['', `&key=${long.id}`, '&method=POST&endpoint=%2Forders', '&latency=1']) {
        await open(OCTOBER + query)
        await expectReadable(page, WIDTHS)
      }
    })

    test('goes on after its server was started again, once the new link was opened', async () => {
      await open(OCTOBER)
      const port = Number(new URL(served.url).port)
      await served.close()
      await page.clock.fastForward(A_WHILE_MS)
      await page.locator('.banner:has-text("The server does not answer")').waitFor()
      expect(await page.locator('.card .value').first().innerText()).toBe('2,414')
      served = await serveDashboard({ port, database, dataDir: '/nowhere' })
      await page.clock.fastForward(A_WHILE_MS)
      await page.locator('.banner:has-text("Open the link")').waitFor()
      const other = await page.context().newPage()
      await other.goto(served.url)
      await page.clock.fastForward(A_WHILE_MS)
      await page.locator('.banner.failure').waitFor({ state: 'hidden' })
      await loaded(page)
      watched.forgive('ERR_CONNECTION_REFUSED')
      watched.forgive('status of 401')
    })
  })

  test('made nobody complain: no error, no violation of the policy, in all of this', () => {
    expect(watched.complaints).toEqual([])
  })
})

describe('the page', () => {
  test('is small: at most 150 kB travel', async () => {
    const browser = await startBrowser()
    const served = await serveDashboard({
      port: 0,
      database: 'sqlite:/nowhere/usage.db',
      dataDir: '/nowhere',
    })
    try {
      const { page } = await openPage(browser)
      const session = await page.context().newCDPSession(page)
      let bytes = 0
      session.on('Network.loadingFinished', ({ encodedDataLength }) => void (bytes += encodedDataLength))
      await session.send('Network.enable')
      await page.goto(served.url)
      await page.locator('.banner:has-text("No database")').waitFor()
      expect(bytes).toBeGreaterThan(20_000)
      expect(bytes).toBeLessThan(150_000)
    } finally {
      await browser.close()
      await served.close()
    }
  })
})
