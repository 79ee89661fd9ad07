import { afterAll, beforeAll, expect, test } from 'vitest'
import { openUsage } from '../../src/index.ts'
import { startOf } from '../../src/time/calendar.ts'
import { browseDashboard } from '../support/browser/browse-dashboard.ts'
import type { BrowsedDashboard } from '../support/browser/browse-dashboard.ts'
import { loaded } from '../support/browser/browser.ts'
import { expectReadable } from '../support/browser/expect-readable.ts'
import { forAnyDatabase, forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

/** An element of the page: tests have no types of browsers. */
interface Track {
  getBoundingClientRect(): { readonly width: number }
  readonly firstElementChild: Track | null
}

const bucket = startOf('hour', new Date(), 'UTC').toISOString()
/** A name that is HTML, written from right to left, and long. */
const HOSTILE = `<b>\u202E${'x'.repeat(150)}</b>`
const feed = testKey(1, 'key_feed', { name: 'Data feed', owner: 'Acme' })
const shop = testKey(2, 'key_shop', { name: 'Web shop', owner: 'Acme' })
const free = testKey(3, 'key_free', { owner: 'Globex' })
const odd = testKey(4, 'key_odd', { owner: HOSTILE })
const many = Array.from({ length: 12 }, (_none, index) => testKey(50 + index, `key_${50 + index}`))
const ROWS = [
  { key: feed, bucket, requests: 90, quantities: { tokens: 1200 } },
  { key: shop, bucket, requests: 5 },
  { key: free, bucket, requests: 5 },
  { key: odd, bucket, requests: 50 },
  ...many.map((key, index) => ({ key, bucket, requests: 20 - index })),
]

forEachDatabase('quotas on the dashboard', (kind, makeUrl) => {
  let database: string
  let { served, watched, page, open, close } = {} as BrowsedDashboard
  const panel = () => page.locator('section:has(h2:text-is("Quotas"))')
  const bars = async () =>
    (await panel().locator('.quota').allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' ').trim())
  const ask = async (path: string) =>
    (await page.context().request.get(new URL(`/api/${path}`, served.url).href)).json()

  beforeAll(async () => {
    database = await makeUrl()
    await storeUsage(database, ROWS)
    ;({ served, watched, page, open, close } = await browseDashboard(database))
  })
  afterAll(() => close())

  test('are not there where there are none', async () => {
    await open('')
    expect(await panel().isVisible()).toBe(false)
    const usage = await openUsage(database)
    await usage.setQuota({ owner: 'Acme', unit: 'tokens', per: 'month', limit: 1000 })
    await usage.setQuota({ keyId: feed.id, unit: 'requests', per: 'day', limit: 100, timeZone: 'Asia/Tokyo' })
    await usage.setQuota({ keyId: shop.id, unit: 'requests', per: 'week', limit: 999_999_999_999_999 })
    await usage.setQuota({ owner: HOSTILE, unit: 'requests', per: 'month', limit: 100 })
    for (const { id } of many)
      await usage.setQuota({ keyId: id, unit: 'requests', per: 'month', limit: 1000 })
    await usage.close()
    // the server keeps an answer for two seconds
    const counts = async () => [await ask('quotas'), await ask('quotas?limit=4')].map((one) => one.quotaCount)
    await expect.poll(counts).toEqual([16, 16])
  })

  test('the API answers as the command line does', async () => {
    const env = { DATABASE_URL: database, APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
    const { quotas } = JSON.parse((await runCli(['quotas', 'list', '--json'], { env })).stdout)
    expect(await ask('quotas?limit=1000')).toMatchObject({ quotaCount: 16, quotas })
    expect((await ask('quotas')).quotas).toEqual(quotas.slice(0, 8))
    const names = async (query: string) =>
      (await ask(`quotas?${query}`)).quotas.map(({ name }: { name: string }) => name)
    expect(await names(`key=${shop.id}`)).toEqual(['Acme', 'Web shop (key_shop)'])
    expect(await names('owner=Acme')).toEqual(['Acme', 'Data feed (key_feed)', 'Web shop (key_shop)'])
    expect(await names(`key=${free.id}`)).toEqual([])
    expect(await names('owner=Nobody')).toEqual([])
    expect((await ask('quotas?key=unknown')).error.code).toBe('WRONG_USAGE')
    expect((await ask('quotas?limit=0')).error.code).toBe('WRONG_USAGE')
    expect((await ask('quotas?since=7d')).error.code).toBe('WRONG_USAGE')
  })

  test('the overview shows the most used first, with links, and says of how many', async () => {
    await open('')
    const [first, second, third, ...others] = await bars()
    expect(first).toMatch(
      /^Acme tokens per month 120\.0% 1,200 of 1,000 Used up\. Begins again \S+ 00:00 \(UTC\)$/,
    )
    expect(second).toMatch(
      /^Data feed \(key_feed\) requests per day 90\.0% 90 of 100 Begins again \S+ 00:00 \(Asia\/Tokyo\)$/,
    )
    expect(third).toContain('<b>\\u{202e}xxx')
    expect(others).toHaveLength(1)
    expect(await panel().locator('header').innerText()).toMatch(
      /The 4 most used of 16\. Complete until \d{4}-/,
    )
    expect(await panel().locator('.quota.over').count()).toBe(1)
    expect(await panel().locator('.quota.near').count()).toBe(1)
    await panel().getByRole('link', { name: 'Acme' }).click()
    await loaded(page)
    expect(await page.locator('h1').innerText()).toBe('Customer Acme')
    expect(await bars()).toHaveLength(3)
    // the page that is shown needs no link to itself
    expect(await panel().locator('a').allInnerTexts()).toEqual([
      'Data feed (key_feed)',
      'Web shop (key_shop)',
    ])
    await panel().getByRole('link', { name: 'Web shop' }).click()
    await loaded(page)
    expect(await page.locator('h1').innerText()).toBe('Web shop')
    expect((await bars()).map((text) => text.split(' requests')[0]!.split(' tokens')[0])).toEqual([
      'Acme',
      'Web shop (key_shop)',
    ])
    expect((await bars())[1]).toContain('<0.1% 5 of 999,999,999,999,999')
  })

  forAnyDatabase(kind, () => {
    test('are hidden on pages without any, and on those of an endpoint', async () => {
      await open(`?key=${free.id}`)
      expect(await panel().isVisible()).toBe(false)
      await open('?method=GET&endpoint=%2Fusers%2F%3Aid')
      expect(await panel().isVisible()).toBe(false)
    })

    test('a bar is as long as the part that was used, and never longer than its track', async () => {
      await open('?owner=Acme')
      const widths = await panel()
        .locator('.track')
        .evaluateAll((tracks: Track[]) =>
          tracks.map((track) => {
            const { width } = track.getBoundingClientRect()
            return Math.round((track.firstElementChild!.getBoundingClientRect().width / width) * 100)
          }),
        )
      expect(widths.slice(0, 2)).toEqual([100, 90])
      expect(widths[2]).toBeLessThanOrEqual(1)
    })

    test('fit every width, and are accessible, light and dark', async () => {
      for (const query of ['', '?owner=Acme']) {
        await open(query)
        await expectReadable(page, [390, 640, 960, 1240, 1920])
      }
    })
  })

  test('made nobody complain in all of this', () => {
    expect(watched.complaints).toEqual([])
  })
})
