import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { browseDashboard } from '../support/browser/browse-dashboard.ts'
import type { BrowsedDashboard } from '../support/browser/browse-dashboard.ts'
import { loaded } from '../support/browser/browser.ts'
import { expectReadable } from '../support/browser/expect-readable.ts'
import { forAnyDatabase, forEachDatabase } from '../support/databases/for-each-database.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const WIDTHS = [390, 768, 1280, 1920]
const LONG = '/v1/customers/:customerId/invoices/:invoiceNumber/lines/:lineNumber'
/** A name that is HTML, written from right to left, and long. */
const HOSTILE = `<b>\u202E${'x'.repeat(150)}</b>`
const shop = testKey(1, 'key_shop', { name: 'Web shop', owner: 'Acme' })
const feed = testKey(2, 'key_feed', { owner: 'Globex' })
const crowd = Array.from({ length: 30 }, (_, index) =>
  testKey(100 + index, `crowd-${index}`, { owner: `Customer ${String(index).padStart(2, '0')}` }),
)
const MARCH = [
  { key: shop, bucket: '2026-03-02T10:00Z', endpoint: LONG, requests: 1500, quantities: { tokens: 9000 } },
  { key: shop, bucket: '2026-03-03T10:00Z', method: 'POST', endpoint: '/v1/orders', requests: 30 },
  { key: feed, bucket: '2026-03-03T10:00Z', requests: 200 },
  { key: testKey(3, 'key_nobody'), bucket: '2026-03-04T10:00Z', requests: 4 },
  { key: testKey(4, 'key_odd', { owner: HOSTILE }), bucket: '2026-03-05T10:00Z', requests: 5 },
  ...crowd.map((key, index) => ({ key, bucket: '2026-03-20T10:00Z', requests: 500 - index })),
]

forEachDatabase('statements on the dashboard', (kind, makeUrl) => {
  let database: string
  let { served, watched, page, open, close } = {} as BrowsedDashboard
  const cli = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli(args, {
      env: { DATABASE_URL: database, APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR },
    })
    expect({ args, code, stderr }).toMatchObject({ args, code: 0 })
    return stdout
  }
  const closeMonth = (month: string) =>
    cli('close', '--month', month, '--tz', 'Europe/Berlin', '--billable', '2xx')
  /** Asks the API as the page does, with its session. */
  const get = (path: string) => page.context().request.get(new URL(`/api/${path}`, served.url).href)
  const ask = async (path: string) => (await get(path)).json()
  const panel = (title: string) => page.locator(`.parts:not([hidden]) > .panel:has(h2:text-is("${title}"))`)
  const cells = async (title: string) =>
    (await panel(title).locator('tbody tr').allInnerTexts()).map((row) =>
      row.split('\t').map((cell) => cell.trim().replaceAll(/\n+/g, ' | ')),
    )

  beforeAll(async () => {
    database = await makeUrl()
    await storeUsage(database, MARCH)
    ;({ served, watched, page, open, close } = await browseDashboard(database))
  })
  afterAll(() => close())

  test('without one the page says how to close a month, and nothing else', async () => {
    await open('?since=2026-03-01&tz=Europe/Berlin')
    await page.locator('.to-statements').click()
    await page.waitForURL(/statement=all/)
    await loaded(page)
    expect(await page.locator('h1').innerText()).toBe('Statements')
    expect(await page.locator('.panel:visible h2').allInnerTexts()).toEqual(['No month was closed yet'])
    expect(await page.locator('.how code').innerText()).toMatch(
      /^npx apikey-analytics close --month \d{4}-\d{2} --tz Europe\/Berlin --billable 2xx --dry-run$/,
    )
    expect(await page.locator('.controls:visible, .toggle:visible').count()).toBe(0)
    await page.locator('.back a').click()
    await loaded(page)
    expect(new URL(page.url()).searchParams.get('since')).toBe('2026-03-01')
  })

  test('are listed, the latest first, with what each bills and corrects', async () => {
    await closeMonth('2026-03')
    await storeUsage(database, [
      { key: shop, bucket: '2026-03-30T10:00Z', endpoint: LONG, requests: 7, quantities: { tokens: 70 } },
      { key: shop, bucket: '2026-04-02T10:00Z', requests: 11 },
      { key: feed, bucket: '2026-04-02T10:00Z', requests: 12 },
    ])
    await closeMonth('2026-04')
    // the answer to the same question is reused for two seconds
    const count = async () => (await ask('statements?limit=10')).statementCount
    await expect.poll(count, { timeout: PATIENCE_MS }).toBe(2)
    await open('?statement=all')
    expect((await cells('Statements')).map((row) => row.slice(0, 3))).toEqual([
      ['2026-04 | statement 2, Europe/Berlin', '23 requests', '2026-03: 7 requests, 70 tokens'],
      ['2026-03 | statement 1, Europe/Berlin', '16,304 requests | 9,000 tokens', '–'],
    ])
    const { statements, statementCount } = await ask('statements?limit=1&offset=1')
    expect({ statementCount, statements }).toMatchObject({
      statementCount: 2,
      statements: [{ number: 1, usage: { requests: '16304' } }],
    })
  })

  test('of a customer are linked from its page, with the sums of this customer', async () => {
    await open('?month=2026-03&owner=Acme')
    await page.getByRole('link', { name: 'Statements of this customer' }).click()
    await page.waitForURL(/statement=all/)
    await loaded(page)
    expect((await cells('Statements')).map((row) => row.slice(0, 3))).toEqual([
      ['2026-04 | statement 2, Europe/Berlin', '11 requests', '2026-03: 7 requests, 70 tokens'],
      ['2026-03 | statement 1, Europe/Berlin', '1,530 requests | 9,000 tokens', '–'],
    ])
    await panel('Statements').getByRole('link', { name: '2026-03', exact: true }).last().click()
    await page.waitForURL(/statement=1/)
    await loaded(page)
    expect(await page.locator('.cards:visible .value').allInnerTexts()).toEqual(['1,530', '9,000'])
    expect(await cells('Lines')).toHaveLength(3)
    expect(await panel('Customers').isVisible()).toBe(false)
    await page.getByRole('link', { name: 'show all customers' }).click()
    await page.waitForURL((url) => !url.searchParams.has('owner'))
    await loaded(page)
    expect(await page.locator('.cards:visible .value').allInnerTexts()).toEqual(['16,304', '9,000'])
    await open('?statement=all&owner=Nobody')
    expect(await cells('Statements')).toEqual([['No statement has lines of this customer.']])
  })

  test('each have a page with lines, corrections and the statement they belong to', async () => {
    await open('?statement=all')
    await panel('Statements').getByRole('link', { name: '2026-04' }).press('Enter')
    await page.waitForURL(/statement=2/)
    await loaded(page)
    expect(await page.locator('h1').innerText()).toBe('Statement 2: 2026-04')
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1')
    expect(await cells('Lines')).toEqual([
      ['GET /users/:id | Acme · Web shop', '11 | requests', '2026-04'],
      [`GET ${LONG} | Acme · Web shop`, '7 | requests', 'correction | of 2026-03'],
      [`GET ${LONG} | Acme · Web shop`, '70 | tokens', 'correction | of 2026-03'],
      ['GET /users/:id | Globex · key_feed', '12 | requests', '2026-04'],
    ])
    const facts = await page.locator('.seal').innerText()
    const { statement, hash } = JSON.parse(await cli('statements', 'show', '2', '--format', 'json'))
    for (const part of [hash, statement.previousHash, statement.closedAt, 'requests with status 2xx'])
      expect(facts).toContain(part)
    await page.getByLabel('Kind of lines').selectOption('correction')
    await page.waitForURL(/kind=correction/)
    await loaded(page)
    expect(await cells('Lines')).toHaveLength(2)
    await panel('Lines').getByRole('link', { name: '2026-03' }).first().click()
    await page.waitForURL(/statement=1/)
    await loaded(page)
    expect(await page.locator('h1').innerText()).toBe('Statement 1: 2026-03')
    expect(await page.locator('.back').innerText()).toBe('Overview › Statements ›')
  })

  test('are never sent whole: a page of lines has at most 1000', async () => {
    const all = await ask('statement?statement=1&limit=1000')
    expect(all.lines).toHaveLength(36)
    expect(await ask('statement?statement=2026-03&limit=2&offset=1')).toMatchObject({
      lineCount: 36,
      lines: [{ line: 2 }, { line: 3 }],
    })
    expect(await ask('statement?statement=2&kind=correction&owner=Acme&limit=1&offset=1')).toMatchObject({
      lineCount: 2,
      lines: [{ unit: 'tokens', corrects: 1 }],
    })
    expect(await ask('statement?statement=1&kind=correction')).toMatchObject({ lineCount: 0, lines: [] })
    expect((await get('statement?statement=1&limit=1001')).status()).toBe(400)
    expect((await get('statement-customers?statement=1&limit=1001')).status()).toBe(400)
  })

  test('download as CSV and JSON with the bytes of "statements show", of all customers and of one', async () => {
    for (const owner of [undefined, 'Acme', HOSTILE]) {
      await open(`?statement=1${owner === undefined ? '' : `&owner=${encodeURIComponent(owner)}`}`)
      for (const format of ['csv', 'json']) {
        const [download] = await Promise.all([
          page.waitForEvent('download'),
          page.getByLabel(`Download as ${format.toUpperCase()}`).click(),
        ])
        expect(download.suggestedFilename()).toBe(`statement-1-2026-03.${format}`)
        const args = owner === undefined ? [] : ['--owner', owner]
        const printed = await cli('statements', 'show', '1', '--format', format, ...args)
        expect(await text(await download.createReadStream())).toBe(printed)
        expect(printed).toContain(owner === HOSTILE ? '/users/:id' : LONG)
      }
    }
  })

  test('whose download is broken off stay open for nobody', async () => {
    const path = 'statement-file?statement=1&format=json'
    const [{ name, value } = { name: '', value: '' }] = await page.context().cookies()
    for (let times = 0; times < 8; times += 1) {
      const leave = new AbortController()
      const answer = await fetch(new URL(`/api/${path}`, served.url), {
        headers: { cookie: `${name}=${value}` },
        signal: leave.signal,
      })
      expect(answer.status).toBe(200)
      leave.abort()
      await expect(answer.text()).rejects.toThrow(/abort/)
      const head = await page.context().request.head(new URL(`/api/${path}`, served.url).href)
      expect(head.status()).toBe(200)
    }
    await expect.poll(async () => (await get(path)).status(), { timeout: PATIENCE_MS }).toBe(200)
  })

  test('are for nobody without a session, and wrong questions are answered with what is right', async () => {
    for (const path of ['statements', 'statement?statement=1', 'statement-file?statement=1&format=json']) {
      const answer = await fetch(new URL(`/api/${path}`, served.url))
      expect([path, answer.status]).toEqual([path, 401])
    }
    const wrong: [string, RegExp][] = [
      ['statement', /Pass statement/],
      ['statement?statement=9', /There is no statement 9. The last ones are 1 \(2026-03\), 2 \(2026-04\)/],
      ['statement?statement=1&owner=Nobody', /Statement 1 has no line of the owner "Nobody"/],
      ['statement?statement=1&kind=late', /Use usage or correction/],
      ['statement-file?statement=1', /format, csv or json/],
      ['statement-file?statement=1&format=csv&limit=1', /Unknown parameter "limit"/],
      ['statement-file?statement=1&format=json&owner=Nobody', /has no line of the owner/],
      ['statements?key=1', /Unknown parameter "key"/],
    ]
    for (const [path, message] of wrong) {
      const answer = await get(path)
      expect([path, answer.status()]).toEqual([path, 400])
      expect((await answer.json()).error.message).toMatch(message)
    }
    await page.goto(new URL('/?statement=9', served.url).href)
    await page.locator('.banner.failure:has-text("There is no statement 9")').waitFor()
    watched.forgive('status of 400')
  })

  forAnyDatabase(kind, () => {
    test('have pages of lines, and customers that can be searched', async () => {
      await open('?statement=1')
      expect(await panel('Lines').locator('.range').innerText()).toBe('1–10 of 36')
      await page.getByLabel('Page of lines', { exact: true }).fill('4')
      await page.getByLabel('Page of lines', { exact: true }).press('Enter')
      await page.waitForURL(/l.page=4/)
      await loaded(page)
      expect(await cells('Lines')).toHaveLength(6)
      await page.getByLabel('Search customers of the statement').fill('customer 2')
      await page.waitForURL(/b.search=customer/)
      await loaded(page)
      expect(await panel('Customers').locator('.range').innerText()).toBe('1–10 of 10')
      expect((await cells('Customers'))[3]).toEqual(['Customer 23 | 1 key · usage', '477 requests', '–'])
      await panel('Customers').getByRole('link', { name: 'Customer 23' }).click()
      await page.waitForURL(/owner=Customer/)
      await loaded(page)
      expect(await cells('Lines')).toEqual([
        ['GET /users/:id | Customer 23 · crowd-23', '477 | requests', '2026-03'],
      ])
      await page.locator('.part').getByRole('link', { name: 'the usage of this customer' }).click()
      await page.waitForURL((url) => !url.searchParams.has('statement'))
      await loaded(page)
      expect(await page.locator('h1').innerText()).toBe('Customer Customer 23')
    })

    test('are readable by everybody', async () => {
      const hostile = `owner=${encodeURIComponent(HOSTILE)}`
      for (const query of ['all', 'all&owner=Acme', '1', '2', '2&kind=correction', `1&${hostile}`]) {
        await open(`?statement=${query}`)
        await expectReadable(page, WIDTHS, async (width) => {
          const isCut = await page
            .locator('.panel:visible .scroll')
            .evaluateAll((all: { scrollWidth: number; clientWidth: number }[]) =>
              all.some(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth),
            )
          expect({ query, width, isCut }).toEqual({ query, width, isCut: false })
        })
      }
    })
  })

  test('made nobody complain: no error, no violation of the policy, in all of this', () => {
    expect(watched.complaints).toEqual([])
  })
})
