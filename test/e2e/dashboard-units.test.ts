import { afterAll, beforeAll, expect, test } from 'vitest'
import { loaded } from '../support/browser/browser.ts'
import { browseDashboard } from '../support/browser/browse-dashboard.ts'
import type { BrowsedDashboard } from '../support/browser/browse-dashboard.ts'
import { expectReadable } from '../support/browser/expect-readable.ts'
import { forAnyDatabase, forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const MOST = Number.MAX_SAFE_INTEGER
const busy = testKey(1, 'busy', { owner: 'Acme' })
const costly = testKey(2, 'costly', { owner: 'Acme' })
const free = testKey(3, 'free', { owner: 'Globex' })
const ANSWERS = { endpoint: '/answers', method: 'POST' }
/** The most requests, the most tokens and the most rows are those of other keys. */
const ROWS = [
  { key: free, bucket: '2026-08-10T10:00Z', requests: 0, quantities: { tokens: 1 } },
  { key: busy, bucket: '2026-09-10T10:00Z', requests: 600, quantities: { tokens: 30_000 } },
  { key: busy, bucket: '2026-10-01T10:00Z', requests: 900, quantities: { tokens: 45_000, output_tokens: 5 } },
  { key: busy, bucket: '2026-10-02T10:00Z', requests: 30, status: 500, quantities: { tokens: 15 } },
  { key: costly, bucket: '2026-10-02T10:00Z', ...ANSWERS, requests: 2, quantities: { tokens: MOST } },
  { key: costly, bucket: '2026-10-09T10:00Z', ...ANSWERS, requests: 1, quantities: { tokens: MOST } },
  { key: free, bucket: '2026-10-03T10:00Z', requests: 300 },
]
const TOKENS = BigInt(MOST) * 2n + 45_015n
const OCTOBER = '?month=2026-10'
const text = (count: bigint) => count.toLocaleString('en-US')
/** Of both sums, in a list. */
const SHORT = '18,014.4T'
/** Small telephones to wide screens. */
const WIDTHS = [390, 768, 1280, 1920]

forEachDatabase('a unit on the dashboard', (kind, makeUrl) => {
  let database: string
  let { watched, page, open, close } = {} as BrowsedDashboard
  const choice = () => page.getByLabel('What is counted')
  const list = (title: string) => page.locator(`.list:has(h2:text-is("${title}"))`)
  const column = async (title: string, name: string) => {
    const heads = await list(title).locator('thead th').allInnerTexts()
    const place = heads.findIndex((head) => head.trim() === name)
    const rows = await list(title).locator('tbody tr').all()
    return Promise.all(rows.map((row) => row.locator('th, td').nth(place).innerText()))
  }
  const cards = async () => {
    const found = await page.locator('.cards:visible .card').all()
    return Object.fromEntries(
      await Promise.all(
        found.map(async (card) => [
          await card.locator('h2').innerText(),
          await card.locator('.value').innerText(),
        ]),
      ),
    )
  }

  beforeAll(async () => {
    database = await makeUrl()
    await storeUsage(database, ROWS)
    ;({ watched, page, open, close } = await browseDashboard(database))
  })
  afterAll(() => close())

  test('is offered, and asked for only when it was chosen', async () => {
    const asked: string[] = []
    page.on('request', (request) =>
      asked.push(new URL(request.url()).pathname + new URL(request.url()).search),
    )
    await open(OCTOBER)
    expect(await choice().locator('option').allInnerTexts()).toEqual(['Requests', 'Output tokens', 'Tokens'])
    expect(await choice().inputValue()).toBe('')
    const questions = asked.filter((url) => url.startsWith('/api/'))
    expect(questions.filter((url) => url.includes('unit'))).toEqual([])
    // three lists, the activity, routes, quotas and the account: what the page asks where there is no unit
    const counts = Object.entries(Object.groupBy(questions, (url) => url.split('?', 1)[0]!))
    expect(Object.fromEntries(counts.map(([path, some]) => [path, some!.length]))).toEqual({
      '/api/activity': 1,
      '/api/customers': 1,
      '/api/quotas': 1,
      '/api/report': 2,
      '/api/routes': 1,
      '/api/verify': 1,
    })
    expect(await column('Keys', 'Requests')).toEqual(['930', '300', '3'])
    await choice().selectOption('tokens')
    await page.waitForURL(/unit=tokens/)
    await loaded(page)
    expect(await column('Keys', 'Tokens')).toEqual([SHORT, '45,015'])
    expect(await column('Keys', 'Requests')).toEqual(['3', '930'])
    expect(await column('Endpoints', 'Tokens')).toEqual([SHORT, '45,015'])
    expect(await column('Customers', 'Tokens')).toEqual([SHORT])
    // what is too long for its column is whole in its title
    expect(await list('Customers').getByTitle(text(TOKENS)).innerText()).toBe(SHORT)
    expect(await cards()).toEqual({
      Tokens: text(TOKENS),
      'Active keys': '2',
      Requests: '933',
      'Error rate': '3.2%',
    })
  })

  test('is in the chart, the heat map and the statuses, to the last digit', async () => {
    await open(`${OCTOBER}&unit=tokens`)
    expect(await page.locator('.chart-panel h2').innerText()).toBe('Tokens')
    expect(await page.locator('.readout .when').innerText()).toBe(`All ${text(TOKENS)}`)
    expect(await page.locator('.canvas').getAttribute('aria-label')).toContain(
      `Tokens per day, 2026-10-01 00:00 to 2026-11-01 00:00 (UTC): ${text(TOKENS)} in all.`,
    )
    await page.locator('.canvas').press('Home')
    await page.locator('.canvas').press('ArrowRight')
    expect(await page.locator('.readout').innerText()).toContain(text(BigInt(MOST) + 15n))
    expect(await page.locator('.statuses tbody tr').allInnerTexts()).toEqual([
      expect.stringMatching(`^200\\s+${text(TOKENS - 15n)}\\s+>99.9%$`),
      expect.stringMatching(/^500\s+15\s+<0.1%$/),
    ])
    expect(await page.getByTitle(`Fri 10:00 – ${text(BigInt(MOST) * 2n + 15n)} tokens`).count()).toBe(1)
  })

  test('sorts lists, and takes the order away when it goes', async () => {
    await open(`${OCTOBER}&unit=tokens`)
    const sorted = () => list('Keys').locator('th[aria-sort]').innerText()
    expect(await sorted()).toContain('Tokens')
    await list('Keys').getByRole('button', { name: 'Requests' }).click()
    await page.waitForURL(/k.sort=requests/)
    await loaded(page)
    expect(await column('Keys', 'Requests')).toEqual(['930', '3'])
    await list('Keys').getByRole('button', { name: 'Tokens' }).click()
    await page.waitForURL(/k.sort=quantity/)
    await loaded(page)
    expect(await column('Keys', 'Requests')).toEqual(['3', '930'])
    await choice().selectOption('')
    await page.waitForURL((url) => !/unit|quantity/.test(url.search))
    await loaded(page)
    expect(await sorted()).toContain('Requests')
  })

  test('comes as CSV, as the command line gives it', async () => {
    await open(`${OCTOBER}&unit=tokens`)
    const link = await page.getByLabel('Download keys as CSV').getAttribute('href')
    const answer = await page.request.get(new URL(link!, page.url()).href)
    const env = { DATABASE_URL: database, APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
    const flags = ['--month', '2026-10', '--by', 'key', '--unit', 'tokens', '--format', 'csv']
    expect(await answer.text()).toBe((await runCli(['report', ...flags], { env })).stdout)
    const customers = await page.getByLabel('Download customers as CSV').getAttribute('href')
    const lines = await (await page.request.get(new URL(customers!, page.url()).href)).text()
    expect(lines).toMatch(/^owner,keys,unit,quantity,requests,/)
    expect(lines).toContain(`\r\nAcme,2,tokens,${TOKENS},933,1,`)
    expect(lines).toContain('previousQuantity,previousRequests,change\r\n')
  })

  forAnyDatabase(kind, () => {
    test('stays on the pages of a key and of a customer, and goes as it came', async () => {
      await open(`${OCTOBER}&unit=tokens`)
      await list('Keys').getByRole('link', { name: 'busy' }).click()
      await page.waitForURL(/key=/)
      await loaded(page)
      expect(await cards()).toMatchObject({ Tokens: '45,015', 'Per request': '48.4', Requests: '930' })
      expect(await page.locator('.card .change').first().innerText()).toContain('50.0%')
      await page.goBack()
      await loaded(page)
      await list('Customers').getByRole('link', { name: 'Acme' }).click()
      await page.waitForURL(/owner=Acme/)
      await loaded(page)
      expect(await column('Keys', 'Tokens')).toEqual([SHORT, '45,015'])
      expect(await page.locator('.month-panel .figures tbody th').allInnerTexts()).toEqual([
        'Tokens',
        'Requests',
        'Active keys',
        'Error rate',
        'Rejected',
      ])
      await choice().selectOption('')
      await page.waitForURL((url) => !url.search.includes('unit'))
      await loaded(page)
      expect(await page.locator('.chart-panel h2').innerText()).toBe('Requests')
      expect(await column('Keys', 'Requests')).toEqual(['930', '3'])
    })

    test('and durations are never shown together', async () => {
      await open(`${OCTOBER}&unit=tokens`)
      const durations = page.getByRole('button', { name: 'Durations' })
      await durations.click()
      await page.waitForURL((url) => url.search.includes('latency=1') && !url.search.includes('unit'))
      await loaded(page)
      expect(await choice().inputValue()).toBe('')
      await choice().selectOption('output_tokens')
      await page.waitForURL(
        (url) => url.search.includes('unit=output_tokens') && !url.search.includes('latency'),
      )
      await loaded(page)
      expect(await durations.getAttribute('aria-pressed')).toBe('false')
      expect(await column('Keys', 'Output tokens')).toEqual(['5'])
      // both in an address: the unit wins
      await open(`${OCTOBER}&unit=tokens&latency=1`)
      expect(await page.locator('.duration').count()).toBe(0)
    })

    test('that nobody counted is refused with the units that there are, and can be left', async () => {
      await page.goto(new URL(`/${OCTOBER}&unit=token`, page.url()).href)
      await page.locator('.banner.failure:not([hidden])').waitFor()
      expect(await page.locator('.banner.failure').innerText()).toBe(
        'No quantity of "token" was ever counted. Did you mean output_tokens or tokens? This database has output_tokens, tokens.',
      )
      watched.forgive('status of 400')
      await choice().selectOption('')
      await loaded(page)
      expect(await column('Keys', 'Requests')).toEqual(['930', '300', '3'])
      watched.forgive('status of 400')
    })

    test('is readable by everybody', async () => {
      for (const query of ['', `&key=${costly.id}`, '&owner=Acme']) {
        await open(`${OCTOBER}${query}&unit=tokens`)
        await expectReadable(page, WIDTHS)
      }
    })
  })

  test('made nobody complain in all of this', () => {
    expect(watched.complaints).toEqual([])
  })
})

forEachDatabase('a dashboard without units', (_kind, makeUrl) => {
  test('has no choice of what is counted', async () => {
    const database = await makeUrl()
    await storeUsage(
      database,
      ROWS.map(({ key, bucket, requests }) => ({ key, bucket, requests })),
    )
    const { page, close } = await browseDashboard(database)
    try {
      expect(await page.getByLabel('What is counted').isVisible()).toBe(false)
    } finally {
      await close()
    }
  })
})
