import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loaded } from '../support/browser/browser.ts'
import { expectReadable } from '../support/browser/expect-readable.ts'
import { forAnyDatabase, forEachDatabase } from '../support/databases/for-each-database.ts'
import { browseDashboard } from '../support/browser/browse-dashboard.ts'
import type { BrowsedDashboard } from '../support/browser/browse-dashboard.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const MONTH = '2026-03'
const MARCH = `?month=${MONTH}`
const OPERATIONS = [
  '/v1/customers/:customerId/invoices/:invoiceNumber',
  '/v1/products/:productId/variants/:variantId/stock-levels',
]
/** A name that is HTML, written from right to left, and long. */
const HOSTILE = `<b>\u202E${'x'.repeat(150)}</b>`
const feed = (owner: string) => testKey(1, 'key_feed', { name: 'Data feed', owner })
const shop = testKey(2, 'key_shop', { name: 'Web shop', owner: 'Acme' })
const books = testKey(3, 'key_books', { owner: 'Globex' })
const crowd = Array.from({ length: 60 }, (_, index) =>
  testKey(100 + index, `crowd-${index}`, { owner: index < 40 ? `Customer ${index}` : 'Crowd' }),
)
const ROWS = [
  { key: shop, bucket: '2026-01-05T10:00Z', requests: 1 },
  { key: feed('Acme'), bucket: '2026-02-10T10:00Z', requests: 1000 },
  { key: shop, bucket: '2026-02-11T10:00Z', requests: 500 },
  { key: books, bucket: '2026-02-12T10:00Z', requests: 102 },
  { key: feed('Acme'), bucket: '2026-03-02T10:00Z', endpoint: OPERATIONS[0]!, requests: 400 },
  { key: feed('Acme'), bucket: '2026-03-09T10:00Z', endpoint: OPERATIONS[1]!, status: 404, requests: 30 },
  { key: shop, bucket: '2026-03-09T10:00Z', requests: 515 },
  { key: books, bucket: '2026-03-10T10:00Z', method: 'POST', endpoint: '/v1/orders', requests: 100 },
  // handed over in mid-month
  { key: feed('Globex'), bucket: '2026-03-16T10:00Z', endpoint: OPERATIONS[0]!, requests: 700 },
  { key: testKey(4, 'key_nobody'), bucket: '2026-03-17T10:00Z', requests: 20 },
  { key: testKey(5, 'key_odd', { owner: HOSTILE }), bucket: '2026-03-18T10:00Z', requests: 10 },
  ...crowd.map((key, index) => ({ key, bucket: '2025-06-20T10:00Z', requests: 500 - index })),
]

const WIDTHS = [390, 960, 1280, 1920]

forEachDatabase('customers on the dashboard', (kind, makeUrl) => {
  let database: string
  let { served, watched, page, open, close } = {} as BrowsedDashboard
  /** Asks the API as the page does, with its session. */
  const ask = async (path: string) => {
    const answer = await page.context().request.get(new URL(`/api/${path}`, served.url).href)
    return answer.headers()['content-type']!.startsWith('text/csv') ? answer.text() : answer.json()
  }
  const cli = async (...args: string[]) => {
    const env = { DATABASE_URL: database, APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
    return JSON.parse((await runCli([...args, '--json'], { env })).stdout)
  }
  const list = (title: string) => page.locator(`.list:has(h2:text-is("${title}"))`)
  const cells = async (title: string) =>
    (await list(title).locator('tbody tr').allInnerTexts()).map((row) =>
      row.split('\t').map((cell) => cell.trim()),
    )
  const firstCard = () => page.locator('.card .value').first().innerText()

  beforeAll(async () => {
    database = await makeUrl()
    await storeUsage(database, ROWS)
    ;({ served, watched, page, open, close } = await browseDashboard(database))
  })
  afterAll(() => close())

  test.each(['Acme', 'Globex'])(
    'the API reports %s as the command line does, over a transfer',
    async (owner) => {
      const expected = await cli('report', '--owner', owner, '--month', MONTH)
      expect(expected.total.requests).toBe(owner === 'Acme' ? 945 : 800)
      expect(await ask(`report?owner=${owner}&month=${MONTH}`)).toEqual(expected)
    },
  )

  test('the API lists customers as the command line does; it searches, sorts, pages, and gives CSV', async () => {
    const expected = await cli('customers', 'list', '--month', MONTH)
    expect(await ask(`customers?month=${MONTH}`)).toEqual(expected)
    expect(expected.customers[0]).toMatchObject({ owner: 'Acme', keys: 2, requests: 945, clientErrors: 30 })
    const owners = async (query: string) => {
      const { customers, customerCount } = await ask(`customers?month=${MONTH}&${query}`)
      return [customerCount, ...customers.map(({ owner }: { owner: string | null }) => owner)]
    }
    expect(await owners('search=GLO')).toEqual([1, 'Globex'])
    expect(await owners('sort=group&limit=2')).toEqual([4, HOSTILE, 'Acme'])
    expect(await owners('order=asc&limit=1&offset=1')).toEqual([4, null])
    expect(await owners('endpoint=/v1/orders')).toEqual([1, 'Globex'])
    expect(await ask(`customers?month=${MONTH}&format=csv&search=globex`)).toMatch(
      /^owner,keys,requests,share,errorRate,firstUsed,lastUsed\r\nGlobex,2,800,/,
    )
    expect(await ask(`customers?month=${MONTH}&format=csv&latency=1&compare=previous&search=globex`)).toMatch(
      /^owner,.*,lastUsed,measured,p50Ms,p95Ms,p99Ms,previousRequests,change\r\nGlobex,2,800,.*,102,/,
    )
  })

  test('come first, with keys and what changed; who has no owner cannot be opened', async () => {
    await open(MARCH)
    expect(await page.locator('.list:visible h2').allInnerTexts()).toEqual(['Customers', 'Keys', 'Endpoints'])
    const [acme, globex, none] = await cells('Customers')
    expect(acme!.slice(0, 3)).toEqual(['Acme', '2', '945'])
    expect(globex!.slice(0, 3)).toEqual(['Globex', '2', '800'])
    expect(none![0]).toBe('(none)')
    // 945 after 1500, and 800 after 102
    const changes = list('Customers').locator('.delta')
    expect(await changes.nth(1).textContent()).toBe('down 37.0%')
    expect(await changes.nth(2).textContent()).toBe('up 684.3%')
    expect(await list('Customers').locator('tbody th').nth(2).locator('a').count()).toBe(0)
    expect(await list('Customers').locator('tbody th').nth(3).innerText()).toContain('<b>\\u{202e}xxx')
  })

  test('each have a page with keys, endpoints, trend, errors, statuses and CSV', async () => {
    await open(MARCH)
    await list('Customers').getByRole('link', { name: 'Acme' }).press('Enter')
    await page.waitForURL(/owner=Acme/)
    await loaded(page)
    expect(await page.locator('h1').innerText()).toBe('Customer Acme')
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1')
    expect(await page.locator('.card .value').allInnerTexts()).toEqual(['945', '2', '3.2%', '0'])
    expect(await list('Customers').isVisible()).toBe(false)
    expect((await cells('Keys')).map(([name = '', requests]) => [name.split('\n')[0], requests])).toEqual([
      [expect.stringContaining('Web shop'), '515'],
      [expect.stringContaining('Data feed'), '430'],
    ])
    expect(await cells('Endpoints')).toHaveLength(3)
    expect(await page.locator('.statuses tbody th').allInnerTexts()).toEqual(['200', '404'])
    await page.locator('.canvas').focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    expect(await page.locator('.readout').innerText()).toMatch(/^2026-03-02 400/)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByLabel('Download keys as CSV').click(),
    ])
    const lines = (await text(await download.createReadStream())).trim().split('\r\n')
    expect(lines.slice(1).map((line) => line.split(',')[1])).toEqual(['key_shop', 'key_feed'])
  })

  test('show their part of a key or an endpoint, and the way back', async () => {
    await open(`${MARCH}&owner=Acme`)
    await list('Keys').getByRole('link', { name: 'Data feed' }).click()
    await page.waitForURL(/key=/)
    await loaded(page)
    expect(await page.locator('h1').innerText()).toBe('Data feed')
    expect(await firstCard()).toBe('430')
    expect(await page.locator('.back').innerText()).toBe('Overview › Acme ›')
    await list('Endpoints').getByRole('link', { name: OPERATIONS[0]! }).click()
    await page.waitForURL(/endpoint=/)
    await loaded(page)
    expect(await firstCard()).toBe('400')
    expect(await list('Customers').isVisible()).toBe(false)
    await page.locator('.back').getByRole('link', { name: 'Acme' }).click()
    await loaded(page)
    expect(await page.locator('h1').innerText()).toBe('Customer Acme')
  })

  test('are named by a key that was theirs, each with the time', async () => {
    await open(`${MARCH}&key=${feed('').id}`)
    expect(await page.locator('.facts').innerText()).toContain(
      'of Globex since 16 March 2026, before of Acme',
    )
    await page.locator('.facts').getByRole('link', { name: 'Acme' }).click()
    await page.waitForURL(/owner=Acme/)
    await loaded(page)
    expect(await firstCard()).toBe('945')
    await open(`${MARCH}&key=${shop.id}`)
    expect(await page.locator('.facts').innerText()).toMatch(/^key_shop\s+of Acme\s+first seen/)
  })

  test('have the month to date beside the same part of the month before', async () => {
    const now = Date.now()
    const hour = new Date(now - (now % 3_600_000))
    const first = (back: number) => new Date(Date.UTC(hour.getUTCFullYear(), hour.getUTCMonth() - back, 1))
    const lastHour = new Date(first(0).getTime() - 3_600_000)
    const key = testKey(20, 'key_now', { owner: 'Today Ltd' })
    await storeUsage(database, [
      { key, bucket: first(1).toISOString(), requests: 40 },
      { key, bucket: lastHour.toISOString(), requests: 7 },
      { key, bucket: hour.toISOString(), requests: 90 },
      { key, bucket: hour.toISOString(), status: 500, requests: 10 },
    ])
    const month = hour.toISOString().slice(0, 7)
    const ofMonth = ['--owner', 'Today Ltd', '--by', 'status', '--compare', 'previous']
    const { total } = await cli('report', '--month', month, ...ofMonth)
    await open('?owner=Today%20Ltd')
    const panel = page.locator('.month-panel')
    const name = new Intl.DateTimeFormat('en-GB', { month: 'long', timeZone: 'UTC' }).format(hour)
    expect(await panel.locator('h2').innerText()).toBe(`${name} to date`)
    expect(await panel.locator('.value').innerText()).toBe('100')
    const [requests, keys, errors] = (await panel.locator('tbody tr').allInnerTexts()).map((row) =>
      row.split('\t'),
    )
    expect(requests!.slice(0, 3)).toEqual(['Requests', '100', String(total.previousRequests)])
    expect(requests!.at(-1)).toBe('47')
    expect(keys!.slice(0, 3)).toEqual(['Active keys', '1', '1'])
    expect(errors!.slice(0, 3)).toEqual(['Error rate', '10.0%', '0.0%'])
    expect(await panel.locator('svg[role=img]').getAttribute('aria-label')).toMatch(
      / 100 to date, \w+ 47 in all\.$/,
    )
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByLabel(`Download ${name} by day as CSV`).click(),
    ])
    expect(await text(await download.createReadStream())).toMatch(/^day,requests,.*\r\n[^,]+,100,/)
    await panel.getByRole('link', { name: `Show ${name}` }).click()
    await page.waitForURL((url) => url.searchParams.get('month') === month)
    await loaded(page)
    expect(await firstCard()).toBe('100')
  })

  forAnyDatabase(kind, () => {
    test('are not listed where nobody has an owner', async () => {
      await open('?since=2026-03-17&until=2026-03-18')
      expect(await list('Customers').isVisible()).toBe(false)
      expect(await list('Keys').isVisible()).toBe(true)
      // but a search that finds nobody leaves the list, or nobody could change it
      await open(`${MARCH}&c.search=nobody`)
      expect((await cells('Customers'))[0]).toEqual(['Nothing fits this search.'])
    })

    test('marks a change only when it matters', async () => {
      await open(`${MARCH}&key=${shop.id}`)
      const change = page.locator('.card .change').first()
      // 515 after 500
      expect(await change.textContent()).toBe('+3.0% vs period before')
      expect(await change.locator('svg, .matters, .better, .worse').count()).toBe(0)
      await open(`${MARCH}&owner=Globex`)
      expect(await change.textContent()).toBe('up 684.3% vs period before')
      expect(await change.locator('.matters svg').count()).toBe(1)
    })

    test('say that a name is none, with one that is like it, beside what the address has wrong', async () => {
      await page.goto(new URL('/?owner=Acne&ownr=Acme', served.url).href)
      const failure = page.locator('.banner:has-text("No key has the owner")')
      await failure.waitFor()
      expect(await failure.innerText()).toContain('Did you mean Acme?')
      expect(await page.locator('.banner.warning').innerText()).toContain(
        '"ownr" in the address changes nothing',
      )
      watched.forgive('status of 400')
      await page.locator('.home').click()
      await page.waitForURL((url) => !url.search.includes('owner'))
      await loaded(page)
      expect(await page.locator('.banner:visible').count()).toBe(0)
    })

    test('are in pages of the size that one likes, with a jump to any of them', async () => {
      await open('?month=2025-06')
      // history begins in this month, so nobody is new
      expect((await cells('Customers'))[0]!.slice(0, 3)).toEqual(['Crowd', '20', '9,010'])
      expect(await list('Customers').locator('.delta').count()).toBe(0)
      expect(await list('Keys').locator('.range').innerText()).toBe('1–10 of 60')
      const jump = page.getByLabel('Page of keys', { exact: true })
      await jump.fill('6')
      await jump.press('Enter')
      await page.waitForURL(/k.page=6/)
      await loaded(page)
      expect((await cells('Keys')).at(-1)![0]).toBe('crowd-59')
      expect(await list('Keys').getByRole('button', { name: 'Next page' }).isDisabled()).toBe(true)
      await jump.fill('99')
      await jump.press('Enter')
      expect(await jump.inputValue()).toBe('6')
      await list('Keys').getByRole('button', { name: 'Previous page' }).press('Enter')
      await page.waitForURL(/k.page=5/)
      await loaded(page)
      expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Previous page of keys')
      await page.getByLabel('Rows of keys on a page').selectOption('50')
      await page.waitForURL(/rows=50/)
      await loaded(page)
      expect(await list('Keys').locator('.range').innerText()).toBe('1–50 of 60')
      expect(await list('Customers').locator('.range').innerText()).toBe('1–41 of 41')
      // it stays on the next page
      await list('Customers').getByRole('link', { name: 'Crowd' }).click()
      await page.waitForURL(/owner=Crowd/)
      await loaded(page)
      expect(await list('Keys').locator('.range').innerText()).toBe('1–20 of 20')
      await open('?month=2025-06&k.page=70')
      expect((await cells('Keys'))[0]).toEqual(['The list ends before this page.'])
      await list('Keys').getByRole('button', { name: 'Previous page' }).click()
      await page.waitForURL(/k.page=6/)
    })

    test('time zones that were used come first from then on', async () => {
      await open(MARCH)
      const first = () =>
        page.getByLabel('Time zone').locator('optgroup').first().locator('option').allInnerTexts()
      expect(await first()).not.toContain('Asia/Tokyo')
      await page.getByLabel('Time zone').selectOption('Asia/Tokyo')
      await page.waitForURL(/tz=Asia/)
      await loaded(page)
      await open(MARCH)
      expect(await first()).toContain('Asia/Tokyo')
      expect(await page.getByLabel('Time zone').inputValue()).toBe('UTC')
      await open(`${MARCH}&tz=Asia%2FTokyo`)
      expect(await page.getByLabel('Time zone').inputValue()).toBe('Asia/Tokyo')
    })

    test('are readable by everybody', async () => {
      const hostile = `&owner=${encodeURIComponent(HOSTILE)}`
      for (const query of ['', '&owner=Acme', hostile, '&owner=Acme&latency=1', `&key=${feed('').id}`]) {
        await open(MARCH + query)
        await expectReadable(page, WIDTHS, async () => {
          const heights = await page
            .locator('.list:visible tbody tr')
            .evaluateAll((rows: { getBoundingClientRect(): { height: number } }[]) =>
              rows.map((row) => row.getBoundingClientRect().height),
            )
          expect(new Set(heights)).toEqual(new Set([34]))
        })
      }
    })

    test('have names that are not cut and panels of one height on a wide screen', async () => {
      await open(`${MARCH}&owner=Acme`)
      for (const width of [1280, 1920]) {
        await page.setViewportSize({ width, height: 900 })
        const cut = await list('Endpoints')
          .locator('tbody th a')
          .evaluateAll((links: { scrollWidth: number; clientWidth: number; innerText: string }[]) =>
            links.filter((link) => link.scrollWidth > link.clientWidth).map((link) => link.innerText),
          )
        expect(cut).toEqual([])
        const panels = await page
          .locator('.lists > .half:visible')
          .evaluateAll((all: { getBoundingClientRect(): { top: number; bottom: number } }[]) =>
            all.map((panel) => panel.getBoundingClientRect()).map(({ top, bottom }) => [top, bottom]),
          )
        expect(panels).toHaveLength(2)
        expect(panels[0]).toEqual(panels[1])
      }
    })
  })

  test('made nobody complain: no error, no violation of the policy, in all of this', () => {
    expect(watched.complaints).toEqual([])
  })
})
