import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import type { Browser, Page } from 'playwright-core'

/** Where distributions put Chromium; CHROMIUM_PATH names any other place. */
const PLACES = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** Starts a headless Chromium with a profile of its own. @throws Error when the machine has none */
export async function startBrowser(): Promise<Browser> {
  const executablePath = PLACES.find((place) => place && existsSync(place))
  if (!executablePath) {
    throw new Error('The tests of the dashboard need Chromium: apt-get install chromium, or CHROMIUM_PATH.')
  }
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** A page, and everything that it complained about: errors, console errors, violations of its policy. */
export interface WatchedPage {
  readonly page: Page
  readonly complaints: readonly string[]
  /** Forgets complaints about answers that a test brought about itself. */
  forgive(part: string): void
}

/** Opens an empty page and listens. */
export async function openPage(
  browser: Browser,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  let complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  await page.addInitScript(() => {
    const { document } = globalThis as unknown as {
      document: {
        addEventListener(type: string, listen: (event: { violatedDirective: string }) => void): void
      }
    }
    document.addEventListener('securitypolicyviolation', (event) => {
      // oxlint-disable-next-line no-console -- the test reads the console
      console.error(`policy violated: ${event.violatedDirective}`)
    })
  })
  return {
    page,
    get complaints() {
      return complaints
    },
    forgive(part) {
      complaints = complaints.filter((text) => !text.includes(part))
    },
  }
}

/** Waits until everything that was asked for has come to the dashboard, the account at the end. */
export async function loaded(page: Page): Promise<void> {
  await page.locator('main[aria-busy=false]').waitFor()
  await page.locator('footer :is(.verified, .unverified)').waitFor()
}
