import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveDashboard } from '../../src/dashboard/serve-dashboard.ts'
import type { ServedDashboard } from '../../src/dashboard/serve-dashboard.ts'
import { openPage, startBrowser } from '../support/browser/browser.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const HOUR = 3_600_000
const lastHour = new Date(Math.floor(Date.now() / HOUR - 1) * HOUR).toISOString()
const evil = testKey(1, 'evil', { name: '<img src=x onerror=alert(1)>' })
let database: TestDatabase
let served: ServedDashboard
let browser: Browser
let page: Page

beforeAll(async () => {
  database = await makeDatabase('sqlite')
  await storeUsage(database.url, [
    { key: evil, bucket: lastHour, endpoint: '(unmatched)', status: 404, requests: 5000 },
  ])
  served = await serveDashboard({ port: 0, database: database.url, dataDir: '/nowhere' })
  browser = await startBrowser()
  page = (await openPage(browser)).page
  await page.goto(served.url)
})
afterAll(async () => {
  await browser.close()
  await served.close()
  await database.remove()
})

test('the page shows the findings when they are opened, names as text, with a way to the key', async () => {
  expect(await page.locator('.finding').count()).toBe(0)
  await page.getByText('Security findings of the last 24 hours').click()
  const finding = page.locator('.finding')
  await finding.waitFor()
  const text = await finding.innerText()
  expect(text).toMatch(/critical scanning/i)
  expect(text).toContain('<img src=x onerror=alert(1)>')
  expect(text).toContain('5,000 requests for what does not exist')
  expect(text).toContain('GET (unmatched)')
  await finding.getByRole('link').click()
  await page.getByRole('heading', { level: 1, name: '<img src=x' }).waitFor()
  expect(await page.getByText('Security findings').isVisible()).toBe(false)
})
