import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser, Page } from 'playwright-core'
import { PATIENCE_MS } from '../patience.ts'

/** What starts, and with which libraries. */
interface Program {
  readonly executablePath: string
  readonly env?: NodeJS.ProcessEnv
}

/** Where an installed browser is on a machine for which npm brings none. */
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
]

/**
 * Those of `@sparticuz/chromium` that a machine without graphics and without a sandbox needs. Its others would turn off
 * the web's security, which is tested here, and put all pages into one process.
 */
const ARGS = [
  '--no-sandbox',
  '--no-zygote',
  '--disable-gpu',
  '--font-render-hinting=none',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Starts a headless Chromium with a profile of its own: the one in CHROMIUM_PATH, else the one that `unpackBrowser`
 * unpacked, else the machine's. @throws Error when there is none
 */
export async function startBrowser(): Promise<Browser> {
  const { executablePath, env = process.env } = findBrowser()
  const defined = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return chromium.launch({
    executablePath,
    args: ARGS,
    env: Object.fromEntries(defined),
    timeout: PATIENCE_MS,
  })
}

function findBrowser(): Program {
  const { CHROMIUM_PATH, TEST_BROWSER_DIR, LD_LIBRARY_PATH } = process.env
  if (CHROMIUM_PATH) return { executablePath: CHROMIUM_PATH }
  if (TEST_BROWSER_DIR) {
    const libraries = [join(TEST_BROWSER_DIR, 'al2023', 'lib'), LD_LIBRARY_PATH].filter(Boolean)
    const fonts = join(TEST_BROWSER_DIR, 'fonts')
    return {
      executablePath: join(TEST_BROWSER_DIR, 'chromium'),
      env: {
        ...process.env,
        LD_LIBRARY_PATH: libraries.join(delimiter),
        FONTCONFIG_PATH: fonts,
        // in a C locale its pages have the language "en-US@posix", which Intl refuses
        LC_ALL: 'en_US.UTF-8',
      },
    }
  }
  const installed = PLACES.find((place) => existsSync(place))
  if (installed) return { executablePath: installed }
  throw new Error('No browser: call unpackBrowser first, or name a Chromium in CHROMIUM_PATH.')
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
  context.setDefaultTimeout(PATIENCE_MS)
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
