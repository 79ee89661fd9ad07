import { request } from 'node:http'
import type { RequestListener } from 'node:http'
import Koa from 'koa'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { analyticsDashboard } from '../../src/dashboard/dashboard.ts'
import type { AnalyticsDashboard } from '../../src/dashboard/dashboard.ts'
import { loaded, openPage, startBrowser } from '../support/browser/browser.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { listen } from '../support/apps/listen.ts'
import type { Listening } from '../support/apps/listen.ts'
import { mount } from '../support/apps/serve-app.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const key = testKey(1, 'key of the page')
const ENDPOINTS = ['/users/:id', '/orders']
const ROWS = ENDPOINTS.map((endpoint) => ({ key, bucket: '2026-10-05T10:00Z', endpoint, requests: 30 }))
/** Two pages of keys in another month. */
const CROWD = Array.from({ length: 12 }, (_, index) => ({
  key: testKey(100 + index, `crowd-${index}`),
  bucket: '2026-09-05T10:00Z',
  requests: 1,
}))
const OCTOBER = '?month=2026-10'
/** Scripts that make the browser another one, before the page starts. */
const language = (value: string) =>
  `Object.defineProperty(Navigator.prototype, 'language', { get: () => ${value} })`
const zone = (value: string) => `{
  const real = Intl.DateTimeFormat.prototype.resolvedOptions
  Intl.DateTimeFormat.prototype.resolvedOptions = function () {
    return { ...real.call(this), timeZone: ${value} }
  }
}`

let database: TestDatabase
let browser: Browser
const dashboards: AnalyticsDashboard[] = []
const servers: Listening[] = []

/** Serves until the tests are over. @returns its URL */
async function serveToEnd(listener: RequestListener): Promise<string> {
  const server = await listen(listener)
  servers.push(server)
  return server.url
}

const served = new Map<string, Promise<string>>()

/** An app with the dashboard at `/usage`, or mounted by koa-mount at `at`; one for all tests that want the same. */
function serve(options: { prefix?: string; at?: string } = {}): Promise<string> {
  const name = JSON.stringify(options)
  const url = served.get(name) ?? startApp(options)
  served.set(name, url)
  return url
}

async function startApp({ prefix, at }: { prefix?: string; at?: string }): Promise<string> {
  const dashboard = analyticsDashboard({
    authorize: () => true,
    database: database.url,
    dataDir: '/nowhere',
    prefix,
  })
  dashboards.push(dashboard)
  const app = new Koa().use(at === undefined ? dashboard : mount(at, new Koa().use(dashboard)))
  return serveToEnd(app.callback())
}

async function open(url: string, prepare: (page: Page) => Promise<unknown> = async () => {}): Promise<Page> {
  const { page } = await openPage(browser)
  await prepare(page)
  await page.goto(url)
  return page
}

beforeAll(async () => {
  database = await makeDatabase('sqlite')
  await storeUsage(database.url, [...CROWD, ...ROWS])
  browser = await startBrowser()
})
afterAll(async () => {
  await browser.close()
  for (const server of servers) await server.close()
  for (const dashboard of dashboards) await dashboard.close()
  await database.remove()
})

describe('the page starts', () => {
  test.each([
    ['whose language is that of LANG=C', language("'en-US@posix'")],
    ['whose language is C', language("'C'")],
    ['whose language is empty', language("''")],
    ['that has no language', language('undefined')],
    ['that does not know its time zone', zone('undefined')],
    ['whose time zone is no zone', zone("'Etc/Unknown'")],
    ['that lists no time zones', 'delete Intl.supportedValuesOf'],
  ])('in a browser %s', async (_, script) => {
    const url = await serve()
    const page = await open(`${url}/usage/${OCTOBER}`, (page) => page.addInitScript(script))
    await loaded(page)
    expect(await page.locator('.card .value').first().innerText()).toBe('60')
    expect(await page.getByLabel('Time zone').inputValue()).toBe('UTC')
    await page.close()
  })

  test.each([
    ['at its prefix, without a slash', {}, '/usage'],
    ['at the root', { prefix: '' }, '/'],
    ['where koa-mount put it, without a slash', { prefix: '', at: '/admin/stats' }, '/admin/stats'],
    ['at a prefix below koa-mount', { prefix: '/usage', at: '/admin' }, '/admin/usage'],
  ])('%s, and behind a proxy that takes the start of the path away', async (_, options, path) => {
    const url = await serve(options)
    const proxy = await serveToEnd((incoming, answer) => {
      const { method, headers } = incoming
      const target = `${url}${incoming.url!.replace(/^\/tools/, '')}`
      incoming.pipe(
        request(target, { method, headers }, (found) => {
          answer.writeHead(found.statusCode!, found.headers)
          found.pipe(answer)
        }),
      )
    })
    for (const address of [url, `${proxy}/tools`]) {
      const page = await open(`${address}${path}${OCTOBER}`)
      await loaded(page)
      expect(page.url()).toBe(`${address}${path.replace(/\/?$/, '/')}${OCTOBER}`)
      await page.getByRole('link', { name: 'key of the page' }).click()
      await page.getByRole('heading', { level: 1, name: 'key of the page' }).waitFor()
      expect(page.url()).toContain(`${address}${path.replace(/\/?$/, '/')}?`)
      await page.close()
    }
  })
})

describe('the page says what is wrong', () => {
  const failed = 'This page had an error: '
  test.each([
    ['formats no numbers', "Intl.NumberFormat = function () { throw new RangeError('No such format') }"],
    ['lacks what the page is made with', 'delete globalThis.ResizeObserver'],
    ['fails while the page is drawn', "Element.prototype.append = () => { throw new Error('No such') }"],
    ['fails later', "addEventListener('load', () => { throw new Error('Failed later') })"],
    ['fails later, unheard', "addEventListener('load', () => Promise.reject(new Error('Failed later')))"],
  ])('when the browser %s', async (_, script) => {
    const page = await open(`${await serve()}/usage/`, (page) => page.addInitScript(script))
    await page.locator(`.banner:has-text("${failed}")`).waitFor()
    await page.close()
  })

  test.each([
    ['a login page', { contentType: 'text/html', body: '<!doctype html><title>Sign in</title>' }],
    ['nothing', { body: '' }],
    ['half an answer', { contentType: 'application/json', body: '{"total": {"requ' }],
    ['null', { contentType: 'application/json', body: 'null' }],
    ['a text', { contentType: 'application/json', body: '"nothing"' }],
  ])('when the API answers with %s', async (_, answer) => {
    const page = await open(`${await serve()}/usage/`, (page) =>
      page.route('**/api/**', (r) => r.fulfill(answer)),
    )
    await page.locator('.banner:has-text("was not answered by the dashboard")').waitFor()
    await page.close()
  })

  test.each([
    ['an answer of another shape', { contentType: 'application/json', body: '{"total":{}}' }],
    ['a list', { contentType: 'application/json', body: '[]' }],
  ])('when the API answers with %s', async (_, answer) => {
    const page = await open(`${await serve()}/usage/`, (page) =>
      page.route('**/api/**', (r) => r.fulfill(answer)),
    )
    await page.locator(`.banner:has-text("${failed}")`).waitFor()
    await page.close()
  })

  test('when the API fails without a word, and goes on when it is back', async () => {
    const page = await open(`${await serve()}/usage/${OCTOBER}`, async (page) => {
      await page.clock.install()
      await page.route('**/api/**', (route) => route.fulfill({ status: 502, body: 'Bad Gateway' }))
    })
    await page.locator('.banner:has-text("The server answered 502.")').waitFor()
    await page.unrouteAll()
    await page.clock.fastForward(60_000)
    await loaded(page)
    expect(await page.locator('.banner:visible').count()).toBe(0)
    await page.close()
  })

  test.each([
    ['is not there', (page: Page) => page.route('**/page.js', (route) => route.fulfill({ status: 404 }))],
    ['does not arrive', (page: Page) => page.route('**/page.js', (route) => route.abort())],
    [
      'is not understood',
      (page: Page) =>
        page.route('**/page.js', (route) =>
          route.fulfill({ contentType: 'text/javascript', body: 'let let' }),
        ),
    ],
  ])('when its script %s', async (_, prepare) => {
    const page = await open(`${await serve()}/usage/`, prepare)
    const notice = page.getByText('The page has not started.')
    // it shows after three seconds; a page that starts has removed it by then
    await notice.evaluate((element: { getAnimations(): { finish(): void }[] }) => {
      for (const animation of element.getAnimations()) animation.finish()
    })
    expect(await notice.isVisible()).toBe(true)
    await page.close()
  })
})

describe('lists', () => {
  test('keep the height of their rows and of all at every width', async () => {
    const url = await serve()
    const page = await open(`${url}/usage/${OCTOBER}`)
    const heights = (selector: string) =>
      page
        .locator(selector)
        .evaluateAll((elements: { getBoundingClientRect(): { height: number } }[]) =>
          elements.map((element) => element.getBoundingClientRect().height),
        )
    /** At each of the widths. */
    const measure = async () => {
      await loaded(page)
      const measured: { readonly rows: number[]; readonly lists: number[] }[] = []
      for (const width of [390, 1280, 1920]) {
        await page.setViewportSize({ width, height: 900 })
        const rows = await heights('.list:not([hidden]) tbody tr')
        measured.push({ rows, lists: await heights('.list:not([hidden])') })
      }
      return measured
    }
    const listsOf = (measured: Awaited<ReturnType<typeof measure>>) => measured.map(({ lists }) => lists)
    const overview = await measure()
    for (const { rows } of overview) expect(rows).toEqual([34, 34, 34])
    // so nothing below them moves while somebody types, or turns to the last page
    for (const [list, name] of [
      ['k', 'keys'],
      ['e', 'endpoints'],
    ] as const) {
      await page.getByLabel(`Search ${name}`).fill('nobody')
      await page.waitForURL((address) => address.searchParams.get(`${list}.search`) === 'nobody')
    }
    expect(listsOf(await measure())).toEqual(listsOf(overview))
    await page.goto(`${url}/usage/?month=2026-09&k.page=2`)
    const lastPage = await measure()
    for (const { rows } of lastPage) expect(rows.slice(0, 2)).toEqual([34, 34])
    await page.goto(`${url}/usage/?month=2026-09`)
    expect(listsOf(await measure())).toEqual(listsOf(lastPage))
    await page.close()
  })
})
