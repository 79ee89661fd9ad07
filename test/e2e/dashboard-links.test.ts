import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { linkKey } from '../../src/store/keys/link-keys.ts'
import { startOf } from '../../src/time/calendar.ts'
import { browseDashboard } from '../support/browser/browse-dashboard.ts'
import type { BrowsedDashboard } from '../support/browser/browse-dashboard.ts'
import { loaded } from '../support/browser/browser.ts'
import { findViolations } from '../support/browser/find-violations.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const bucket = startOf('hour', new Date(), 'UTC').toISOString()
const old = testKey(1, 'key_old', { name: 'Data feed', owner: 'Acme' })
const renewed = testKey(2, 'key_new', { name: 'Data feed', owner: 'Acme' })
const shop = testKey(3, 'key_shop', { owner: 'Acme' })

forEachDatabase('linked keys on the dashboard', (kind, makeUrl) => {
  let { served, watched, page, open, close } = {} as BrowsedDashboard
  const ask = async (path: string) =>
    (await page.context().request.get(new URL(`/api/${path}`, served.url).href)).json()
  const rowsOf = async (title: string) => {
    const rows = page.locator(`section:has(h2:text-is("${title}")) tbody tr`)
    return (await rows.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' ').trim())
  }
  const facts = async () => (await page.locator('.facts').innerText()).replaceAll(/\s+/g, ' ')

  beforeAll(async () => {
    const database = await makeUrl()
    await storeUsage(database, [
      { key: old, bucket, requests: 90 },
      { key: renewed, bucket, requests: 7 },
      { key: shop, bucket, requests: 5 },
    ])
    const db = await openDatabase(database)
    await linkKey(db, renewed.id, { continues: old.id })
    await db.close()
    ;({ served, watched, page, open, close } = await browseDashboard(database))
  })
  afterAll(() => close())

  test('are one line of the list of keys', async () => {
    await open('')
    expect(await rowsOf('Keys')).toEqual([
      expect.stringMatching(/^Data feed ?key_new ?2 keys 97 /),
      expect.stringMatching(/^key_shop 5 /),
    ])
    expect(await page.locator('section:has(h2:text-is("Linked keys"))').isVisible()).toBe(false)
  })

  test('are one page, with what each key has', async () => {
    await open(`?key=${old.id}`)
    expect(await facts()).toContain('line of 2 keys: key_old, key_new')
    expect(await rowsOf('Linked keys')).toEqual([
      expect.stringMatching(/^Data feed ?key_old 90 /),
      expect.stringMatching(/^Data feed ?key_new 7 /),
    ])
    expect(await rowsOf('Endpoints')).toEqual([expect.stringMatching(/^GET ?\/users\/:id 97 /)])
    // what is readable does not depend on the database
    if (kind === 'sqlite') expect(await findViolations(page)).toEqual([])
  })

  test('have a page for each alone, and a way back', async () => {
    await open(`?key=${old.id}`)
    await page.locator('section:has(h2:text-is("Linked keys"))').getByRole('link').last().click()
    await loaded(page)
    expect(new URL(page.url()).searchParams.get('links')).toBe('0')
    expect(await rowsOf('Endpoints')).toEqual([expect.stringMatching(/^GET ?\/users\/:id 7 /)])
    expect(await facts()).toContain('alone, without the others of its line of 2 keys')
    await page.getByRole('link', { name: 'line of 2 keys' }).click()
    await loaded(page)
    expect(await rowsOf('Endpoints')).toEqual([expect.stringMatching(/^GET ?\/users\/:id 97 /)])
  })

  test('leave the page of a key without links as it was', async () => {
    await open(`?key=${shop.id}`)
    expect(await facts()).not.toContain('line of')
    expect(await page.locator('section:has(h2:text-is("Linked keys"))').isVisible()).toBe(false)
    expect(watched.complaints).toEqual([])
  })

  test('are parameters of the API', async () => {
    const total = async (query: string) => (await ask(`report?by=key&${query}`)).total.requests
    expect(await total(`key=${old.id}`)).toBe(97)
    expect(await total(`key=${old.id}&links=0`)).toBe(90)
    expect(await total(`key=${old.id}&links=parts`)).toBe(97)
    expect((await ask(`activity?key=${old.id}&links=0`)).total.requests).toBe(90)
    const { sections } = await ask('report?by=key')
    expect(sections[0].groups[0].key).toMatchObject({ id: renewed.id, keyCount: 2 })
    expect((await ask('report?by=key&links=0')).sections[0].groupCount).toBe(3)
    expect((await ask('report?by=key&links=1')).error).toMatchObject({ code: 'WRONG_USAGE' })
    expect(await ask(`key?key=${shop.id}`)).not.toHaveProperty('line')
    expect(await ask(`key?key=${renewed.id}`)).toMatchObject({ line: [{ id: old.id }, { id: renewed.id }] })
  })
})
