import { formatInstant } from '../time/calendar.ts'
import { AnalyticsError } from '../model/errors.ts'
import { escapeTerminal } from '../terminal/escape-terminal.ts'
import { formatCount } from '../report/format-number.ts'
import { parseInstant } from '../time/period.ts'
import { renderJson } from '../report/render-json.ts'
import { escapeMarkdown } from '../report/render-markdown.ts'
import { renderHeading } from '../report/render-report.ts'
import type { ReportHeading } from '../report/render-report.ts'
import { paint, wrap } from '../terminal/screen.ts'
import type { Screen } from '../terminal/screen.ts'
import { nameOfKey } from '../report/report-table.ts'
import { findFindings } from './find-findings.ts'
import type { SecurityFindings } from './find-findings.ts'
import { SEVERITIES } from './finding.ts'
import type { Finding, FindingKind, Severity } from './finding.ts'
import { RULES } from './rules.ts'
import { DEFAULT_THRESHOLDS, resolveThresholds } from './thresholds.ts'
import type { Thresholds } from './thresholds.ts'
import { findStraddlingRows } from '../store/read/find-straddling-rows.ts'
import { usageSourceOf } from '../report/usage-source.ts'
import { DAY_MS } from '../time/units.ts'
import type { Database } from '../store/database/open-database.ts'
import { noteUndelivered } from '../report/note-undelivered.ts'

/** The flags of `security`, parsed. */
export interface SecurityFlags {
  readonly since: string
  readonly until?: string | undefined
  readonly threshold?: readonly string[] | undefined
}

/** Findings, the heading above them, and what a reader has to know about them. */
export interface HeadedFindings {
  readonly found: SecurityFindings
  readonly heading: ReportHeading
  readonly notes: readonly string[]
}

const COLOURS = { low: 'dim', medium: 'yellow', high: 'red', critical: 'magenta' } as const
const INDENT = '  '

/** Builds the findings that the flags ask for. @throws WRONG_USAGE, ARGUMENT_INVALID */
export async function readFindings(
  db: Database,
  flags: SecurityFlags,
  dataDir: string,
  { maxDays = Number.POSITIVE_INFINITY }: { maxDays?: number } = {},
): Promise<HeadedFindings> {
  const now = new Date()
  const until = flags.until === undefined ? now : parseInstant(flags.until, 'UTC', now)
  const since = parseInstant(flags.since, 'UTC', until)
  if (until.getTime() - since.getTime() > maxDays * DAY_MS) {
    throw new AnalyticsError('WRONG_USAGE', `The period is too long for findings: at most ${maxDays} days.`)
  }
  const found = await findFindings(usageSourceOf(db), {
    ...parseThresholds(flags.threshold),
    since,
    until,
  })
  return {
    found,
    heading: { title: 'Security findings', databaseLabel: db.databaseLabel, dataDir },
    notes: [
      ...noteShortHistory(found),
      ...(await noteWideRows(db, found)),
      ...(await noteUndelivered(db, dataDir)),
    ],
  }
}

/** Whether a finding is at least as severe as a given severity. */
export function failsOn({ found }: HeadedFindings, least: Severity | undefined): boolean {
  if (least === undefined) return false
  return found.findings.some(({ severity }) => SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least))
}

/** The explanation of a rule, for people and for programs. @throws ARGUMENT_INVALID for a wrong threshold */
export function explainRule(
  kind: string,
  given: readonly string[] | undefined,
): { text: string; json: object } {
  const rule = RULES[kind as FindingKind]
  const thresholds = resolveThresholds(parseThresholds(given))
  const explanation = rule.explain(thresholds)
  const set = Object.entries(thresholds).map(([name, value]) => `${INDENT}${name}=${value}`)
  const text = [
    `${kind} (${rule.severity}): ${rule.summary}`,
    explanation,
    `Thresholds, set with --threshold NAME=NUMBER:\n${set.join('\n')}`,
  ].join('\n\n')
  const { severity, summary } = rule
  return { text: `${text}\n`, json: { kind, severity, summary, explanation, thresholds } }
}

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

function parseThresholds(given: readonly string[] = []): Partial<Thresholds> {
  return Object.fromEntries(
    given.map((text) => {
      const [, name, value] = /^(\w+)=(\d+(?:\.\d+)?)$/.exec(text) ?? []
      if (name !== undefined && Object.hasOwn(DEFAULT_THRESHOLDS, name)) return [name, Number(value)]
      const names = Object.keys(DEFAULT_THRESHOLDS).join(', ')
      throw new AnalyticsError(
        'WRONG_USAGE',
        `Cannot read "${text}" as a threshold. Use NAME=NUMBER with one of ${names}.`,
      )
    }),
  )
}

function noteShortHistory({ keyCount, youngKeyCount, historyDays }: SecurityFindings): string[] {
  if (youngKeyCount === 0) return []
  const days = `The database has ${formatCount(Math.floor(historyDays))} days of history before this period.`
  return [
    `${formatCount(youngKeyCount)} of ${formatCount(keyCount)} keys have too little history: their rate, errors and endpoints were not judged. ${days}`,
  ]
}

async function noteWideRows(
  db: Database,
  { since, until, historyDays }: SecurityFindings,
): Promise<string[]> {
  const from = new Date(since.getTime() - historyDays * DAY_MS)
  const { rows } = await findStraddlingRows(db, { since: from, until, by: ['hour'] })
  return rows > 0
    ? [
        `${formatCount(rows)} rows are wider than an hour and count in their first one: roll up only what is older than the history.`,
      ]
    : []
}

function describeSpan({ since, until }: SecurityFindings): string {
  return `${formatInstant(since, 'UTC')} to ${formatInstant(until, 'UTC')} (UTC)`
}

function describeResult({ findings, keyCount }: SecurityFindings): string {
  const looked = `${formatCount(keyCount)} ${keyCount === 1 ? 'key' : 'keys'}`
  if (findings.length === 0) return `Nothing to see in the requests of ${looked}.`
  return `${formatCount(findings.length)} ${findings.length === 1 ? 'finding' : 'findings'} in the requests of ${looked}.`
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
    ...notes.map((note) => `${paint('yellow', wrap(`Note: ${escapeTerminal(note)}`, screen), screen)}\n`),
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
  const facts = [
    `Period: ${describeSpan(found)}`,
    `Database: ${heading.databaseLabel}`,
    `Data folder: ${heading.dataDir}`,
    describeResult(found),
    ...notes,
  ]
  const findings = found.findings.map((finding) => {
    const lines = linesOfFinding(finding).map(([name, value]) => `- **${name}**: ${escapeMarkdown(value)}`)
    return `### ${finding.severity}: ${finding.kind} by ${escapeMarkdown(whoOf(finding))}\n\n${lines.join('\n')}`
  })
  const list = facts.map((fact) => `- ${escapeMarkdown(fact)}`).join('\n')
  return `${[`## ${heading.title}`, list, ...findings].join('\n\n')}\n`
}
