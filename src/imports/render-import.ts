import { countOf, formatCount } from '../terminal/format-number.ts'
import { describeQuantities, toQuantities } from '../model/quantities.ts'
import { formatInstant } from '../time/calendar.ts'
import type { ImportedKeys, ImportPlan } from './plan-import.ts'
import type { ReadOptions } from './read/read-rows.ts'

/** What is said about an import. */
export interface ImportText {
  readonly name: string
  readonly databaseLabel: string
  readonly options: Pick<ReadOptions, 'method' | 'status'>
  readonly plan: ImportPlan
}

const FORMATS: Readonly<Record<ImportPlan['totals']['format'], string>> = {
  export: 'an export of apikey-analytics',
  csv: 'with the columns named',
  'drf-simple-apikey': 'a dump of drf-simple-apikey',
}

/** What would be imported. */
export function renderPlan({ name, databaseLabel, options, plan }: ImportText): string {
  const { format } = plan.totals
  const assumed =
    format === 'export' ? [] : [`where the file has none: method ${options.method}, status ${options.status}`]
  const lines = [describeTotals(plan), describeSpan(plan), describeKeys(plan.keys), ...assumed]
  return `Would import ${name}, ${FORMATS[format]}, into ${databaseLabel}. Nothing was changed.\n${lines.map((line) => `  ${line}\n`).join('')}`
}

/** What was imported. */
export function renderDone({ name, plan }: ImportText, importId: number): string {
  return `Imported ${name} as import ${importId}: ${describeTotals(plan)}, ${describeSpan(plan)}.\n`
}

function describeTotals({ totals: { rows, requests, quantities } }: ImportPlan): string {
  const sums = toQuantities(new Map([['requests', BigInt(requests)], ...quantities]))
  return `${countOf(rows, 'row')} with ${describeQuantities(sums)}`
}

function describeSpan({ totals: { since, until } }: ImportPlan): string {
  const [from, to] = [since, until].map((time) => formatInstant(new Date(time), 'UTC'))
  return `${from} to ${to} (UTC)`
}

function describeKeys({ count, isMore, newCount, newNames }: ImportedKeys): string {
  const more = newCount > newNames.length ? ', …' : ''
  const added =
    newCount === 0 ? 'none of them new' : `${formatCount(newCount)} new: ${newNames.join(', ')}${more}`
  if (isMore) return `more than ${formatCount(count)} keys; of these ${added}`
  return `${countOf(count, 'key')}, ${added}`
}
