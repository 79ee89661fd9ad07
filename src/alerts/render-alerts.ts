import type { Alert } from '../model/alert.ts'
import { countOf, formatCount } from '../terminal/format-number.ts'
import { renderJson } from '../report/render/render-json.ts'
import { renderMarkdownPage, renderMarkdownTable } from '../report/render/render-markdown.ts'
import { renderHeading } from '../report/render/render-report.ts'
import type { ReportTable } from '../report/render/report-table.ts'
import { escapeTerminal } from '../terminal/escape-terminal.ts'
import { renderTable } from '../report/render/render-table.ts'
import { wrap } from '../terminal/screen.ts'
import type { Screen } from '../terminal/screen.ts'
import { formatInstant } from '../time/calendar.ts'
import { describeSeen, titleOfAlert, toAlertRecord, whoOf } from './describe-alert.ts'
import type { WebhookSummary } from './deliver-alerts.ts'
import type { AlertList, ListedDelivery } from './alert-list.ts'
import type { HeadedAlertCheck } from './run-alert-check.ts'
import { renderNotes } from '../report/render/render-notes.ts'

/** A format of `alerts check` and `alerts list`. */
export type AlertFormat = 'table' | 'markdown' | 'json'

/** A check in a format. */
export function renderAlertCheck(format: AlertFormat, checked: HeadedAlertCheck, screen: Screen): string {
  if (format === 'json') return renderJson(toCheckJson(checked))
  const { check, dryRun, notes } = checked
  const count = check.fired.length
  const fired = count === 0 ? 'Nothing new.' : countOf(count, 'alert')
  const verb = count === 0 ? '' : dryRun ? ' would fire. Nothing was changed or sent.' : ' fired.'
  return renderDocument(format, screen, {
    title: dryRun ? 'Alerts (dry run)' : 'Alerts',
    fact: `${formatInstant(check.checkedAt, 'UTC')} (UTC)`,
    place: checked,
    table: count > 0 ? tableOfFired(check.fired) : undefined,
    lines: [[`${fired}${verb}`, ...check.webhooks.flatMap(describeSent)].join(' ')],
    notes,
  })
}

/** A check for `--json`. */
export function toCheckJson({ check, databaseLabel, dataDir, dryRun, notes }: HeadedAlertCheck): object {
  return {
    report: 'alerts',
    database: databaseLabel,
    dataDir,
    checkedAt: check.checkedAt,
    dryRun,
    fired: check.fired.map(toAlertRecord),
    webhooks: check.webhooks,
    notes,
  }
}

/** A list in a format. */
export function renderAlertList(
  format: AlertFormat,
  list: AlertList,
  place: { readonly databaseLabel: string; readonly dataDir: string },
  screen: Screen,
): string {
  if (format === 'json') return renderJson(toAlertsJson(list, place))
  return renderDocument(format, screen, {
    title: 'Alerts',
    fact: `since ${formatInstant(list.since, 'UTC')} (UTC)`,
    place,
    table: list.alerts.length > 0 ? tableOfList(list) : undefined,
    lines: list.alerts.length > 0 ? [] : ['Nothing fired in this time.'],
    notes: list.notes,
  })
}

/** A list for `--json`. */
export function toAlertsJson(
  { since, alerts, notes }: AlertList,
  { databaseLabel, dataDir }: { readonly databaseLabel: string; readonly dataDir: string },
): object {
  return { report: 'alert list', database: databaseLabel, dataDir, since, alerts, notes }
}

/** How far a delivery is: `ops: delivered 2026-11-27 04:00`. */
export function describeDelivery({
  webhook,
  state,
  attempts,
  deliveredAt,
  lastError,
}: ListedDelivery): string {
  if (deliveredAt !== null) return `${webhook}: delivered ${formatInstant(deliveredAt, 'UTC')}`
  const facts = [
    state === 'pending' ? 'waits' : state,
    ...(attempts > 0 ? [countOf(attempts, 'attempt')] : []),
    ...(lastError === null ? [] : [lastError]),
  ]
  return `${webhook}: ${facts.join(', ')}`
}

function describeSent({ webhook, delivered }: WebhookSummary): string[] {
  return delivered > 0 ? [`${formatCount(delivered)} sent to ${webhook}.`] : []
}

function tableOfFired(fired: readonly Alert[]): ReportTable {
  return {
    columns: [
      { name: 'severity', title: 'Severity', kind: 'text' },
      { name: 'alert', title: 'Alert', kind: 'text' },
      { name: 'who', title: 'Who', kind: 'text' },
      { name: 'seen', title: 'Seen', kind: 'text', dropFirst: 1 },
    ],
    rows: fired.map((alert) => [alert.severity, titleOfAlert(alert), whoOf(alert), describeSeen(alert)]),
  }
}

function tableOfList({ alerts }: AlertList): ReportTable {
  return {
    columns: [
      { name: 'firedAt', title: 'Fired (UTC)', kind: 'time' },
      { name: 'severity', title: 'Severity', kind: 'text', dropFirst: 1 },
      { name: 'alert', title: 'Alert', kind: 'text' },
      { name: 'who', title: 'Who', kind: 'text' },
      { name: 'delivery', title: 'Delivery', kind: 'text' },
    ],
    rows: alerts.map(({ firedAt, severity, title, who, deliveries }) => [
      firedAt,
      severity,
      title,
      who,
      deliveries.length > 0 ? deliveries.map(describeDelivery).join('; ') : 'no webhook',
    ]),
  }
}

interface AlertDocument {
  readonly title: string
  readonly fact: string
  readonly place: { readonly databaseLabel: string; readonly dataDir: string }
  readonly table: ReportTable | undefined
  readonly lines: readonly string[]
  readonly notes: readonly string[]
}

function renderDocument(
  format: 'table' | 'markdown',
  screen: Screen,
  { title, fact, place: { databaseLabel, dataDir }, table, lines, notes }: AlertDocument,
): string {
  const heading = { title, databaseLabel, dataDir }
  if (format === 'markdown') {
    const tables = table ? [renderMarkdownTable(table, 'UTC')] : []
    return renderMarkdownPage(heading, [fact], [...lines, ...notes], tables)
  }
  return [
    renderHeading(heading, fact, screen),
    ...(table ? [renderTable(table, screen)] : []),
    ...lines.map((line) => `${wrap(escapeTerminal(line), screen)}\n`),
    ...renderNotes(notes, screen),
  ].join('\n')
}
