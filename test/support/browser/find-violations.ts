import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/**
 * What axe-core finds on a page. It runs by the debugger, because the policy of the page lets no script in.
 */
export async function findViolations(page: Page): Promise<readonly unknown[]> {
  if (!(await page.evaluate('"axe" in globalThis'))) await page.evaluate(await readFile(AXE, 'utf8'))
  const { violations } = await page.evaluate<{ violations: unknown[] }>(`(async () => {
    const { violations } = await axe.run(document, { resultTypes: ['violations'] })
    return { violations: violations.map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map(({ html, failureSummary }) => html.slice(0, 200) + failureSummary)]) }
  })()`)
  return violations
}
