import type { StatementHeader } from '../../model/statement.ts'
import type { Database } from '../database/open-database.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import type { NumberedLine } from './statement-rows.ts'
import { toOwnerSince } from './sum-billed.ts'

/** Which lines of a statement. */
export interface LineFilter {
  /** As printed on it. */
  readonly owner?: string | undefined
  readonly kind?: 'usage' | 'correction' | undefined
}

/** A line with the names of its key as printed. */
export type NamedLine = NumberedLine & {
  readonly label: string | null
  readonly name: string | null
  readonly owner: string | null
}

/** One page of the lines of a statement, in their order, and how many there are. */
export async function pageLines(
  db: Database,
  statement: StatementHeader,
  filter: LineFilter,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ lines: NamedLine[]; count: number }> {
  const isFiltered = filter.owner !== undefined || filter.kind !== undefined
  const parameters = new SqlParameters()
  const from = writeFrom(statement, filter, parameters)
  const [sum] = isFiltered
    ? await db.query<{ count: string | number }>(`select count(*) as count\n${from}`, parameters.values)
    : []
  // all lines have the numbers from 1 on, so a page is found without counting those before it
  const page = isFiltered
    ? `order by l.line limit ${limit} offset ${offset}`
    : `and l.line > ${offset} and l.line <= ${offset + limit} order by l.line`
  const rows = await db.query<Omit<NamedLine, 'ownerSince'> & { ownerSince: string | number }>(
    `select l.line, l.account, l.api_key_id as "keyId", a.label, a.name, a.owner, l.period,
  ${db.dialect.millisecondsOf('l.owner_since')} as "ownerSince", l.method, l.endpoint, l.unit,
  cast(l.quantity as text) as quantity, l.hash
${from}
${page}`,
    parameters.values,
  )
  return {
    lines: rows.map((row) => Object.assign(row, { ownerSince: toOwnerSince(row.ownerSince) })),
    count: sum ? Number(sum.count) : statement.lineCount,
  }
}

/** SQLite reads the tables of a cross join in their order, and few accounts lead to few lines. */
function writeFrom(
  { number, corrects }: StatementHeader,
  { owner, kind }: LineFilter,
  parameters: SqlParameters,
): string {
  const its = `cast(${parameters.add(number)} as int)`
  const [accounts, lines] = ['api_key_analytics_statement_accounts a', 'api_key_analytics_statement_lines l']
  const conditions = [
    `l.statement = ${its}`,
    `a.statement = ${its}`,
    'a.account = l.account',
    'a.api_key_id = l.api_key_id',
    ...(owner === undefined ? [] : [`a.owner = ${parameters.add(owner)}`]),
  ]
  if (owner !== undefined || kind !== undefined) {
    const corrected = corrects.map(({ statement }) => statement)
    const periods = { usage: [number], correction: corrected, all: [number, ...corrected] }[kind ?? 'all']
    const list = periods.map((period) => parameters.add(period)).join(', ')
    conditions.push(`l.period in (${list || 'null'})`)
  }
  const tables = owner === undefined ? `${lines} cross join ${accounts}` : `${accounts} cross join ${lines}`
  return `from ${tables}\nwhere ${conditions.join('\n  and ')}`
}
