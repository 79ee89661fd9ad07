import { escapeTerminal } from '../../terminal/escape-terminal.ts'
import { renderChart } from './render-chart.ts'
import { formatCell } from './format-cell.ts'
import { renderHeading, renderTotal } from './render-report.ts'
import type { ReportHeading } from './render-report.ts'
import { isNumeric } from './report-table.ts'
import type { Column, Cell, ReportTable } from './report-table.ts'
import { tablesOf } from './tables-of-report.ts'
import { hasLines } from '../usage/usage-report.ts'
import type { UsageReport } from '../usage/usage-report.ts'

const PLAIN = { colour: false }
/** Characters of the chart in a row. */
const CHART = { ...PLAIN, width: 100 }
const STYLE = `
:root { color-scheme: light dark; --line: #8884; --dim: #777; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p { margin: 0.3rem 0; } .dim { color: var(--dim); } .note { border-left: 3px solid #d90; padding-left: 0.6rem; }
pre { line-height: 1.05; overflow-x: auto; }
div { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: 0.2rem 0.8rem 0.2rem 0; text-align: left; border-bottom: 1px solid var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
pre, td.trend { font-family: ui-monospace, monospace; white-space: pre; color: light-dark(#1a6fb5, #6bb6f0); }
tfoot { font-weight: 600; }
@media print { body { margin: 0; max-width: none; } }
`

/** The parts of a page, as text. */
export interface HtmlPage {
  /** The lines of the heading: a title, and where the numbers are from. */
  readonly heading: string
  /** What is said before the tables, in lines. */
  readonly summary: string
  /** In characters. */
  readonly chart?: string | undefined
  readonly tables: readonly ReportTable[]
  readonly notes: readonly string[]
  readonly timeZone: string
}

/** A report as a page. */
export function renderHtml(report: UsageReport, heading: ReportHeading): string {
  const { period, series, notes, unit } = report
  const { timeZone } = period
  const isCharted = report.report === 'overview' && series !== undefined
  return renderHtmlPage({
    heading: renderHeading(heading, period.text, PLAIN),
    summary: renderTotal(report, PLAIN),
    chart: isCharted ? renderChart(series, CHART, timeZone, unit) : '',
    tables: hasLines(report) ? tablesOf(report) : [],
    notes,
    timeZone,
  })
}

/** One file that needs nothing else: no script, no request to anywhere. */
export function renderHtmlPage({ heading, summary, chart, tables, notes, timeZone }: HtmlPage): string {
  const [title = '', ...sources] = heading.split('\n').filter(Boolean)
  const parts = [
    ...sources.map((line) => paragraph(line, 'dim')),
    ...summary
      .split('\n')
      .filter(Boolean)
      .map((line) => paragraph(line)),
    ...(chart ? [`<pre>${escapeHtml(chart)}</pre>`] : []),
    ...tables.map((table) => renderHtmlTable(table, timeZone)),
    ...notes.map((note) => paragraph(`Note: ${note}`, 'note')),
  ]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
<h1>${escapeHtml(title)}</h1>
${parts.join('\n')}
</html>
`
}

/** Safe in text and in attributes; what could hide or turn text around is shown. */
function escapeHtml(text: string): string {
  const lines = text.split('\n').map(escapeTerminal).join('\n')
  return lines.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function paragraph(text: string, kind?: string): string {
  return `<p${kind ? ` class="${kind}"` : ''}>${escapeHtml(text)}</p>`
}

function renderHtmlTable({ title, columns, rows, total, note }: ReportTable, timeZone: string): string {
  const line = (cells: readonly Cell[]) =>
    `<tr>${cells.map((cell, index) => element('td', columns[index]!, formatCell(cell, columns[index]!.kind, timeZone))).join('')}</tr>`
  return [
    ...(title ? [`<h2>${escapeHtml(title)}</h2>`] : []),
    '<div><table>',
    `<thead><tr>${columns.map((column) => element('th', column, column.title)).join('')}</tr></thead>`,
    '<tbody>',
    ...rows.map(line),
    '</tbody>',
    ...(total ? [`<tfoot>${line(total)}</tfoot>`] : []),
    '</table></div>',
    ...(note ? [paragraph(note, 'dim')] : []),
  ].join('\n')
}

function element(name: 'td' | 'th', column: Column, text: string): string {
  const kind = isNumeric(column) ? 'number' : column.kind === 'trend' ? 'trend' : undefined
  return `<${name}${kind ? ` class="${kind}"` : ''}>${escapeHtml(text)}</${name}>`
}
