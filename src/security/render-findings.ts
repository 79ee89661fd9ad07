import { countOf } from '../terminal/format-number.ts'
import { renderJson } from '../report/render/render-json.ts'
import { escapeMarkdown, renderMarkdownPage } from '../report/render/render-markdown.ts'
import { renderHeading } from '../report/render/render-report.ts'
import { nameOfKey } from '../report/usage/group-names.ts'
import { escapeTerminal } from '../terminal/escape-terminal.ts'
import { paint, wrap } from '../terminal/screen.ts'
import type { Screen } from '../terminal/screen.ts'
import { formatInstant } from '../time/calendar.ts'
import type { SecurityFindings } from './find-findings.ts'
import type { Finding } from './finding.ts'
import type { HeadedFindings } from './read-findings.ts'
import { renderNotes } from '../report/render/render-notes.ts'

const COLOURS = { low: 'dim', medium: 'yellow', high: 'red', critical: 'magenta' } as const
const INDENT = '  '

/** Renders findings in a format. */
export function renderFindingsAs(
  format: 'table' | 'markdown' | 'json',
  found: HeadedFindings,
  screen: Screen,
): string {
  if (format === 'json') return renderJson(toFindingsJson(found))
  return format === 'markdown' ? renderFindingsMarkdown(found) : renderText(found, screen)
}

/** Findings for `--json`: the heading's facts first. */
export function toFindingsJson({ found, heading, notes }: HeadedFindings): object {
  return { report: 'security', database: heading.databaseLabel, dataDir: heading.dataDir, ...found, notes }
}

function describeSpan({ since, until }: SecurityFindings): string {
  return `${formatInstant(since, 'UTC')} to ${formatInstant(until, 'UTC')} (UTC)`
}

function describeResult({ findings, keyCount }: SecurityFindings): string {
  const looked = countOf(keyCount, 'key')
  if (findings.length === 0) return `Nothing to see in the requests of ${looked}.`
  return `${countOf(findings.length, 'finding')} in the requests of ${looked}.`
}

function whoOf({ key }: Finding): string {
  return key ? nameOfKey(key) : 'many keys'
}

/** The text about a finding, line by line. */
function linesOfFinding(finding: Finding): (readonly [name: string, value: string])[] {
  const { seen, normal, from, to, endpoints, advice, key } = finding
  return [
    ['Seen', seen],
    ['Normal', normal],
    ['When', `${formatInstant(from, 'UTC')} to ${formatInstant(to, 'UTC')}`],
    ...(endpoints.length > 0 ? [['On', endpoints.join(', ')] as const] : []),
    ...(key?.owner ? [['Owner', key.owner] as const] : []),
    ['Do', advice],
  ]
}

function renderText({ found, heading, notes }: HeadedFindings, screen: Screen): string {
  const parts = [
    renderHeading(heading, describeSpan(found), screen),
    ...found.findings.map((finding) => renderFinding(finding, screen)),
    `${wrap(describeResult(found), screen)}\n`,
    ...renderNotes(notes, screen),
  ]
  return parts.join('\n')
}

function renderFinding(finding: Finding, screen: Screen): string {
  const { severity, kind } = finding
  const title = `${paint(COLOURS[severity], severity.toUpperCase().padEnd(11), screen)}${paint('bold', `${kind}  ${escapeTerminal(whoOf(finding))}`, screen)}`
  const width = (screen.width ?? 110) - 11
  const lines = linesOfFinding(finding).map(([name, value]) => {
    const text = wrap(escapeTerminal(value), { width }).replaceAll('\n', `\n${' '.repeat(11)}`)
    return `${INDENT}${paint('dim', name.padEnd(9), screen)}${text}`
  })
  return `${[title, ...lines].join('\n')}\n`
}

function renderFindingsMarkdown({ found, heading, notes }: HeadedFindings): string {
  const findings = found.findings.map((finding) => {
    const lines = linesOfFinding(finding).map(([name, value]) => `- **${name}**: ${escapeMarkdown(value)}`)
    return `### ${finding.severity}: ${finding.kind} by ${escapeMarkdown(whoOf(finding))}\n\n${lines.join('\n')}`
  })
  const facts = [`Period: ${describeSpan(found)}`]
  return renderMarkdownPage(heading, facts, [describeResult(found), ...notes], findings)
}
