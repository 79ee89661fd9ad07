import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { PATIENCE_MS } from '../patience.ts'
import { findViolations } from './find-violations.ts'

/**
 * The open page is readable by everybody: it fits into the window at each of the widths, the narrowest first, and
 * axe-core finds nothing, in the light theme at the narrowest and in the dark one at the widest. `check` looks at more
 * of each width.
 */
export async function expectReadable(
  page: Page,
  widths: readonly number[],
  check: (width: number) => Promise<void> = async () => {},
): Promise<void> {
  for (const [index, width] of widths.entries()) {
    await page.setViewportSize({ width, height: 900 })
    // what is drawn again for a width is drawn in the frame after it
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
    // a browser may tell the page of its new width some frames later
    const seen = () =>
      page.evaluate('({ width: innerWidth, fits: document.documentElement.scrollWidth <= innerWidth })')
    const message = `${page.url()} at a width of ${width}`
    await expect.poll(seen, { timeout: PATIENCE_MS, message }).toEqual({ width, fits: true })
    await check(width)
    if (index === 0) await expectAccessible(page, 'light')
    if (index === widths.length - 1) await expectAccessible(page, 'dark')
  }
}

async function expectAccessible(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme })
  const violations = await findViolations(page)
  expect({ url: page.url(), colorScheme, violations }).toEqual({
    url: page.url(),
    colorScheme,
    violations: [],
  })
}
