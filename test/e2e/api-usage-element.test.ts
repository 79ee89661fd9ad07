import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type Koa from 'koa'
import type { Browser, Locator, Page } from 'playwright-core'
import { keyIdOfName } from '../../src/model/compute-key-id.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { openPage, startBrowser } from '../support/browser/browser.ts'
import type { WatchedPage } from '../support/browser/browser.ts'
import { findViolations } from '../support/browser/find-violations.ts'
import { serveCustomers } from '../support/apps/serve-customers.ts'
import type { CustomersApp } from '../support/apps/serve-customers.ts'
import { readReadmeBlocks } from '../support/read-readme.ts'
import { storeUsage } from '../support/usage/store-usage.ts'

const FILE = new URL('../../dist/dashboard/page/api-usage.js', import.meta.url)
const MONTH = '2026-10'
const EVIL = '<img src=x onerror=alert(1)>\u202E'
/** No inline script, no inline style, no text as HTML. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
/** What a careless portal does to all that it contains. */
const STYLES = `
* { color: rgb(1, 2, 3) !important; font-size: 31px !important; letter-spacing: 9px !important; float: none; }
h2, table, section, dl, p, button { display: none !important; background: red !important; }
body { margin: 0; text-transform: uppercase; --text: red; --paper: red; }
.scroll { overflow: visible !important; }`
const PAGE = (element: string) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Portal</title><link rel="stylesheet" href="/portal.css"><script type="module" src="/v1/usage/api-usage.js"></script></head>
<body><main><h1>Portal</h1><p class="soft bad">Own text</p>${element}</main></body></html>`

let database: TestDatabase
let app: CustomersApp
let browser: Browser
let watched: WatchedPage
let page: Page
const OF_MONTH = `<api-usage month="${MONTH}"></api-usage>`
let element = OF_MONTH
let styles = ''

/** The portal: whoever opens it is signed in as Acme by a cookie. */
function buildPortal(portal: Koa): void {
  portal.use((ctx, next) => {
    if (ctx.path === '/portal.css') {
      ctx.type = 'text/css'
      ctx.body = styles
    } else if (ctx.path === '/portal') {
      ctx.set('Content-Security-Policy', POLICY)
      ctx.type = 'text/html'
      ctx.body = PAGE(element)
    } else return next()
    return undefined
  })
}

beforeAll(async () => {
  database = await makeDatabase('sqlite')
  const key = { id: keyIdOfName('shop'), label: 'shop', name: null, owner: 'Acme' }
  const other = { id: keyIdOfName('other'), label: 'other', name: null, owner: 'Beta' }
  await storeUsage(database.url, [
    { key, bucket: '2026-10-01T10:00Z', requests: 1200, quantities: { tokens: 9_007_199_254_740_991 } },
    { key, bucket: '2026-10-05T09:00Z', status: 404, requests: 34, endpoint: EVIL },
    ...Array.from({ length: 12 }, (_, index) => ({
      key,
      bucket: '2026-10-31T23:00Z',
      endpoint: `/v1/${'long-'.repeat(index)}`,
      requests: 10 + index,
    })),
    { key: other, bucket: '2026-10-31T23:00Z', endpoint: '/of-beta', requests: 7777 },
  ])
  app = await serveCustomers(
    database.url,
    [{ maxPerMinute: 60_000, cacheMs: 0 }],
    // a session of the portal, which the cookie names; its pages are no usage
    {
      ignore: ['/portal', '/portal.css'],
      identify: (ctx) => (ctx.cookies.get('session') === 'acme' ? { id: 'shop', owner: 'Acme' } : undefined),
    },
    buildPortal,
  )
  browser = await startBrowser()
})

afterAll(async () => {
  await browser?.close()
  await app?.[Symbol.asyncDispose]()
  await database?.remove()
})

async function open(options: Parameters<typeof openPage>[1] = {}, isSignedIn = true): Promise<void> {
  watched = await openPage(browser, options)
  page = watched.page
  if (isSignedIn) await page.context().addCookies([{ name: 'session', value: 'acme', url: app.url }])
  await page.goto(`${app.url}/portal`)
  await drawn()
}

/** The computed style of an element. */
const styleOf = (element: Locator): Promise<Readonly<Record<string, string>>> =>
  element.evaluate((found: object) => {
    const browser = globalThis as unknown as { getComputedStyle(element: object): Record<string, string> }
    const style = browser.getComputedStyle(found)
    const names = [
      'color',
      'backgroundColor',
      'fontSize',
      'letterSpacing',
      'display',
      'textTransform',
      'marginTop',
    ]
    return Object.fromEntries(names.map((name) => [name, style[name]!]))
  })

const drawn = () => page.locator('api-usage section[aria-busy=false]').waitFor()
const inside = (selector: string) => page.locator(`api-usage ${selector}`)

test('has less than 15 kB', () => {
  expect(readFileSync(FILE).length).toBeLessThan(15_000)
})

describe('the element in a portal with a strict policy', () => {
  test('shows the figures of the customer that is signed in, and runs nothing that a client sent', async () => {
    await open()
    expect(await inside('h2').innerText()).toBe('API usage of Acme')
    expect(await inside('dd').allInnerTexts()).toEqual(['1,420', '2.4%', '9,007,199,254,740,991'])
    expect(await inside('tbody th').count()).toBe(10)
    await inside('button').click()
    const endpoints = await inside('tbody th').allInnerTexts()
    expect(endpoints).toHaveLength(14)
    expect(endpoints).toContain('GET <img src=x onerror=alert(1)>\\u{202e}')
    expect(endpoints.join()).not.toContain('beta')
    expect(await inside('img').count()).toBe(0)
    expect(await inside('.soft').last().innerText()).toBe('The month is complete.')
    expect(watched.complaints).toEqual([])
  })

  test('works as the page about it says', async () => {
    const example = readReadmeBlocks('docs/self-service.md').find(({ language }) => language === 'html')
    element = example!.text
    await open()
    element = OF_MONTH
    expect(await inside('h2').innerText()).toBe('API usage of Acme')
    expect(await inside('.soft').last().innerText()).toContain('(Europe/Berlin)')
    expect(watched.complaints).toEqual([])
  })

  test('is read with the keyboard, bar by bar', async () => {
    await open()
    await inside('.canvas').focus()
    await page.keyboard.press('Home')
    expect(await inside('.readout').innerText()).toMatch(/^2026-10-01 1,200/)
    await page.keyboard.press('End')
    expect(await inside('.readout').innerText()).toMatch(/^2026-10-31 186/)
    await page.keyboard.press('ArrowLeft')
    expect(await inside('.readout').innerText()).toMatch(/^2026-10-30 0/)
  })

  test('asks for the month that is chosen, and for another time zone', async () => {
    await open()
    await inside('select').selectOption('2026-09')
    await page.locator('api-usage[month="2026-09"]').waitFor()
    await inside('p:text-is("No requests in this month.")').waitFor()
    await page
      .locator('api-usage')
      .evaluate((element: { setAttribute(name: string, value: string): void }) => {
        element.setAttribute('tz', 'Asia/Tokyo')
        element.setAttribute('month', '2026-11')
      })
    // the last hour of October in UTC is the first morning of November there
    await inside('dd:text-is("186")').waitFor()
    expect(watched.complaints).toEqual([])
  })

  test('says what is wrong, and draws again when that is over', async () => {
    await open({}, false)
    expect(await inside('[role=alert]').innerText()).toBe(
      'This is for customers: send the API key, or sign in.',
    )
    expect(await inside('dl').isVisible()).toBe(false)
    await page.context().addCookies([{ name: 'session', value: 'acme', url: app.url }])
    await page.locator('api-usage').evaluate((element: { load(): Promise<void> }) => element.load())
    expect(await inside('dd').first().innerText()).toBe('1,420')
    expect(await inside('[role=alert]').isVisible()).toBe(false)
    watched.forgive('status of 401')
    expect(watched.complaints).toEqual([])
  })

  test('keeps the styles of the page out, and its own in', async () => {
    styles = STYLES
    await open()
    styles = ''
    const look = async (selector: string) => {
      const { color, fontSize, letterSpacing, display, textTransform } = await styleOf(
        inside(selector).first(),
      )
      return { color, fontSize, letterSpacing, display, textTransform }
    }
    const plain = { color: 'rgb(26, 29, 35)', letterSpacing: 'normal', textTransform: 'none' }
    expect(await look('h2')).toEqual({ ...plain, fontSize: '18px', display: 'block' })
    expect(await look('table')).toEqual({ ...plain, fontSize: '14px', display: 'table' })
    // those of the page are as it made them
    expect(await styleOf(page.locator('main > p'))).toMatchObject({
      color: 'rgb(1, 2, 3)',
      marginTop: '31px',
    })
  })

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 320],
    ['dark', 320],
  ] as const)('is accessible, and fits into the window (%s, %i px)', async (colorScheme, width) => {
    styles = `html { color-scheme: light dark } body { margin: 0; background: ${colorScheme === 'dark' ? '#171a20; color: white' : 'white'} }`
    await open({ colorScheme, viewport: { width, height: 900 } })
    styles = ''
    const { backgroundColor: background } = await styleOf(inside('section'))
    expect(background).toBe(colorScheme === 'dark' ? 'rgb(23, 26, 32)' : 'rgb(255, 255, 255)')
    expect(await findViolations(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
  })
})
