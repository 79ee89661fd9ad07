import { renderTable } from '../render/render-table.ts'
import type { Screen } from '../../terminal/screen.ts'
import { formatInstant } from '../../time/calendar.ts'
import type { ListedQuota, QuotaList } from './listed-quota.ts'
import { renderCsv } from '../render/render-csv.ts'
import { renderMarkdownPage, renderMarkdownTable } from '../render/render-markdown.ts'
import { renderHeading } from '../render/render-report.ts'
import type { Column, ReportTable } from '../render/report-table.ts'

const BAR_WIDTH = 10

const COLUMNS: readonly Column[] = [
  { name: 'name', title: 'Key or customer', kind: 'text' },
  { name: 'unit', title: 'Unit', kind: 'text' },
  { name: 'per', title: 'Per', kind: 'text' },
  { name: 'used', title: 'Used', kind: 'count' },
  { name: 'limit', title: 'Limit', kind: 'count', dropFirst: 1 },
  { name: 'share', title: 'Part', kind: 'share' },
  { name: 'bar', title: '', kind: 'text', dropFirst: 4 },
  { name: 'until', title: 'Resets', kind: 'text', dropFirst: 2 },
  { name: 'timeZone', title: 'Time zone', kind: 'text', dropFirst: 3 },
]

const CSV_NAMES = [
  'keyId',
  'owner',
  'name',
  'unit',
  'per',
  'limit',
  'used',
  'remaining',
  'share',
  'since',
  'until',
  'timeZone',
  'setAt',
] as const

/** Renders a list of quotas in any format except json. */
export function renderQuotas(
  list: QuotaList,
  { databaseLabel, dataDir }: { readonly databaseLabel: string; readonly dataDir: string },
  format: string,
  screen: Screen,
): string {
  const { quotas, completeUntil } = list
  if (format === 'csv')
    return renderCsv([CSV_NAMES, ...quotas.map((quota) => CSV_NAMES.map((name) => quota[name]))])
  const fact = completeUntil
    ? `complete until ${formatInstant(completeUntil, 'UTC')} UTC`
    : 'nothing was delivered yet'
  const table: ReportTable = { columns: COLUMNS, rows: quotas.map(toCells) }
  const heading = { title: 'Quotas', databaseLabel, dataDir }
  if (format === 'markdown')
    return renderMarkdownPage(heading, [`Figures: ${fact}`], [], [renderMarkdownTable(table, 'UTC')])
  const body =
    quotas.length > 0
      ? renderTable(table, screen)
      : 'No quotas. "apikey-analytics quotas set KEY --limit 1000" sets one.\n'
  return `${renderHeading(heading, fact, screen)}\n${body}`
}

function toCells(quota: ListedQuota): ReportTable['rows'][number] {
  const { name, unit, per, used, limit, share, until, timeZone } = quota
  return [name, unit, per, used, limit, share, barOf(share), formatInstant(until, timeZone), timeZone]
}

/** `██████░░░░`: whatever was used shows, and only a quota that is used up is full. */
export function barOf(share: number): string {
  const least = share > 0 ? 1 : 0
  const most = share < 1 ? BAR_WIDTH - 1 : BAR_WIDTH
  const full = Math.min(most, Math.max(least, Math.round(share * BAR_WIDTH)))
  return '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full)
}
