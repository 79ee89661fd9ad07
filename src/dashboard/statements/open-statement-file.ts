import { renderStatement } from '../../billing/print/render-statement.ts'
import { openStatement } from '../../billing/statement/read-statement.ts'
import type { Database } from '../../store/database/open-database.ts'
import { readChoice, wrongUsage } from '../../web/read-query.ts'
import type { Query } from '../../web/read-query.ts'

/** A file to download: its text comes in pieces. */
export interface ApiFile {
  readonly name: string
  readonly type: 'json' | 'csv'
  readonly pieces: AsyncGenerator<string, void, undefined>
}

/** Opens a statement as a file: the same bytes as `statements show --format`. @throws WRONG_USAGE */
export async function openStatementFile(db: Database, query: Query): Promise<ApiFile> {
  const { statement: which, owner } = query
  const type = readChoice(query, 'format', ['csv', 'json'])
  if (which === undefined || type === undefined) {
    throw wrongUsage('Pass statement, a number or a period such as 2026-10, and format, csv or json.')
  }
  const source = await openStatement(db, which, { owner })
  const { number, period } = source.statement
  return {
    name: `statement-${number}-${period.label}.${type}`,
    type,
    pieces: renderStatement(source, type),
  }
}
