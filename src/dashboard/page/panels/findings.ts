import { askApi } from '../ask-api.ts'
import type { Finding, Findings } from '../ask-api.ts'
import { describeFacts, drawNotice } from './draw-notice.ts'
import type { Addresses } from './draw-notice.ts'
import { formatCount, formatTime } from '../format.ts'
import { foreign, make } from '../make.ts'
import { OpenedPanel } from './opened-panel.ts'

/** The findings of `security` in the last 24 hours. The rules read weeks. */
export function makeFindingsPanel(addresses: Addresses): OpenedPanel {
  return new OpenedPanel('Security findings of the last 24 hours', async () => {
    const found = await askApi<Findings>('security', {}, AbortSignal.timeout(120_000))
    return [
      make('p', { class: 'soft' }, describeResult(found)),
      ...found.findings.map((finding) => drawFinding(finding, addresses)),
    ]
  })
}

function describeResult({ findings, keyCount, youngKeyCount }: Findings): string {
  const young = youngKeyCount > 0 ? `; ${formatCount(youngKeyCount)} have too little history to judge` : ''
  const about = findings.length > 0 ? `Findings: ${formatCount(findings.length)}` : 'Nothing to see'
  return `${about}. Keys looked at: ${formatCount(keyCount)}${young}.`
}

function drawFinding(finding: Finding, addresses: Addresses): HTMLElement {
  const { severity, kind, key, seen, normal, from, to, endpoints, advice } = finding
  const on = endpoints.flatMap((endpoint, index) => [index > 0 ? ', ' : '', foreign(endpoint)])
  const facts = describeFacts([
    ['Seen', seen],
    ['Normal', normal],
    ['When', `${formatTime(from, 'UTC')} to ${formatTime(to, 'UTC')} (UTC)`],
    ...(on.length > 0 ? [['On', ...on] as const] : []),
    ['Do', advice],
  ])
  return drawNotice({ severity, title: kind, key, owner: null }, facts, addresses)
}
