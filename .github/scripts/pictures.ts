/**
 * Takes the pictures of the dashboard for the documentation, of weeks of the demo: `npm run pictures`, after a build. Uses
 * `pngquant`, where it is installed, to make them small.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { serveDashboard } from '../../src/dashboard/serve-dashboard.ts'
import { playWeek } from '../../src/demo/play-week.ts'
import { openUsage } from '../../src/open-usage.ts'
import { DAY_MS } from '../../src/time/units.ts'
import { loaded, openPage, startBrowser } from '../../test/support/browser/browser.ts'
import unpackBrowser from '../../test/support/browser/unpack-browser.ts'

/** Weeks before now; a week that is played twice has twice the requests, so that there is something to compare. */
const WEEKS_AGO = [8, 7, 6, 5, 4, 3, 2, 1, 1, 0, 0]
/** The database as it would be called on a server. */
const SHOWN_DATABASE = 'SQLite /srv/api/.apikey-analytics/demo/usage.db'
const OVERVIEW = '/?since=30d'
const CUSTOMER = '/?owner=Acme'
const FOLDER = join(import.meta.dirname, '..')

const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-pictures-'))
const database = `sqlite:${join(dataDir, 'usage.db')}`
const removeBrowser = await unpackBrowser()
try {
  const now = Date.now()
  for (const weeks of WEEKS_AGO) {
    const until = now - weeks * 7 * DAY_MS
    await playWeek({
      database,
      dataDir,
      until,
      onError: (error) => process.stderr.write(`${error.message}\n`),
    })
  }
  // the quota of the demo is for one week of it
  const usage = await openUsage({ database })
  await usage.setQuota({ owner: 'Acme', unit: 'requests', per: 'month', limit: 25_000 })
  await usage.close()
  const served = await serveDashboard({ port: 0, database, dataDir })
  const browser = await startBrowser()
  await takePictures(browser, served.url)
  await browser.close()
  await served.close()
} finally {
  await removeBrowser()
  rmSync(dataDir, { recursive: true, force: true })
}

async function takePictures(browser: Browser, link: string): Promise<void> {
  const { page: first } = await openPage(browser)
  // The link works once; the other pages get its session.
  await first.goto(link)
  const storageState = await first.context().storageState()
  for (const colorScheme of ['light', 'dark'] as const) {
    const desk = (await openPage(browser, { storageState, colorScheme })).page
    await take(desk, new URL(OVERVIEW, link), `dashboard-${colorScheme}`, true)
    if (colorScheme === 'light') await take(desk, new URL(CUSTOMER, link), 'dashboard-customer-light', true)
    const viewport = { width: 390, height: 844 }
    const phone = (await openPage(browser, { storageState, colorScheme, viewport, deviceScaleFactor: 2 }))
      .page
    await take(phone, new URL(OVERVIEW, link), `dashboard-phone-${colorScheme}`, false)
  }
}

async function take(page: Page, url: URL, name: string, fullPage: boolean): Promise<void> {
  await page.route('**/api/verify*', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...(await response.json()), database: SHOWN_DATABASE } })
  })
  await page.goto(url.href)
  await loaded(page)
  const path = join(FOLDER, `${name}.png`)
  await page.screenshot({ path, fullPage })
  try {
    execFileSync('pngquant', [
      '--force',
      '--speed',
      '1',
      '--quality',
      '70-98',
      '--strip',
      '--output',
      path,
      path,
    ])
  } catch {
    process.stderr.write(`${name}.png is not made smaller: pngquant is not installed.\n`)
  }
}
