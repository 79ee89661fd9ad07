import type { Page } from 'playwright-core'
import { expect } from 'vitest'
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
    const fits = await page.evaluate('document.documentElement.scrollWidth <= innerWidth')
    expect({ url: page.url(), width, fits }).toEqual({ url: page.url(), width, fits: true })
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
