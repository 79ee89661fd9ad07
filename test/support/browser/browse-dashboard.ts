import type { Browser, Page } from 'playwright-core'
import { serveDashboard } from '../../../src/dashboard/serve-dashboard.ts'
import type { ServedDashboard } from '../../../src/dashboard/serve-dashboard.ts'
import { EMPTY_DATA_DIR } from '../cli/empty-data-dir.ts'
import { loaded, openPage, startBrowser } from './browser.ts'
import type { WatchedPage } from './browser.ts'

/** A dashboard, and a page of a browser that was let in by its link. */
export interface BrowsedDashboard {
  readonly served: ServedDashboard
  readonly browser: Browser
  readonly watched: WatchedPage
  readonly page: Page
  /** Opens an address such as `?month=2026-10`, and waits until it has loaded. */
  readonly open: (query: string) => Promise<void>
  readonly close: () => Promise<void>
}

/** Serves the dashboard of a database and opens it. `prepare` changes the page before it loads. */
export async function browseDashboard(
  database: string,
  prepare: (page: Page) => Promise<void> = async () => {},
): Promise<BrowsedDashboard> {
  const served = await serveDashboard({ port: 0, database, dataDir: EMPTY_DATA_DIR })
  const browser = await startBrowser()
  const watched = await openPage(browser)
  const { page } = watched
  await prepare(page)
  await page.goto(served.url)
  await loaded(page)
  return {
    served,
    browser,
    watched,
    page,
    async open(query) {
      await page.goto(new URL(`/${query}`, served.url).href)
      await loaded(page)
    },
    async close() {
      await browser.close()
      await served.close()
    },
  }
}
