import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** Findings of axe-core that are serious. The policy of a page lets no script in but by the debugger. */
export async function findViolations(page: Page): Promise<unknown[]> {
  const source = await readFile(AXE, 'utf8')
  return page.evaluate<unknown[]>(`(async () => {
    ${source}
    const { violations } = await axe.run(document, { resultTypes: ['violations'] })
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map(({ html, failureSummary }) => html.slice(0, 200) + failureSummary)])
  })()`)
}
