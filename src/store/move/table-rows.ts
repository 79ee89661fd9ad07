import type { Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import type { CopiedTable } from './list-tables.ts'

/** The values of a row as text, in the order of the columns, the same in every database. See `Dialect.textOf`. */
export type TextRow = readonly (string | null)[]

/** A page is as large as its rows allow: some tables have texts of 100 kB. */
const PAGE_CHARACTERS = 2 ** 20
const MOST_ROWS = 500
const FIRST_ROWS = 50

type Source = Statements & Pick<Database, 'dialect'>

/** Reads a table page by page, in the order of its primary key. Nobody may write to it meanwhile. */
export async function* readTableRows(db: Source, table: CopiedTable): AsyncGenerator<TextRow[]> {
  const keyIndexes = table.key.map((key) => table.columns.findIndex(({ name }) => name === key.name))
  let limit = FIRST_ROWS
  let after: TextRow = []
  for (;;) {
    const found = await db.query<Record<string, string | null>>(writePage(db, table, after.length > 0), [
      limit,
      ...after,
    ])
    const rows = found.map((row) => table.columns.map((_, index) => row[`c${index}`]!))
    if (rows.length > 0) yield rows
    if (rows.length < limit) return
    after = keyIndexes.map((index) => rows.at(-1)![index]!)
    limit = Math.max(1, Math.min(limit * 2, MOST_ROWS, Math.floor(PAGE_CHARACTERS / longestOf(rows))))
  }
}

function longestOf(rows: readonly TextRow[]): number {
  return Math.max(...rows.map((row) => row.reduce((sum, value) => sum + (value?.length ?? 0), 1)))
}

/** $1 is the number of rows; with `isNext` the others are the primary key after which the page begins. */
function writePage({ dialect }: Source, { name, columns, key }: CopiedTable, isNext: boolean): string {
  const values = columns.map((column, index) => `${dialect.textOf(column.name, column.type)} as c${index}`)
  const names = key.map((column) => column.name).join(', ')
  const after = key.map(({ type }, index) => dialect.valueOf(`cast($${index + 2} as text)`, type))
  return `
select ${values.join(', ')}
from ${name}
${isNext ? `where (${names}) > (${after.join(', ')})` : ''}
order by ${names}
limit $1`
}

/** Inserts rows that the table does not have. */
export async function writeRows(
  tx: Statements,
  { dialect }: Pick<Database, 'dialect'>,
  { name, columns }: CopiedTable,
  rows: readonly TextRow[],
): Promise<void> {
  const texts = Object.fromEntries(columns.map((_, index) => [`c${index}`, 'text']))
  const given = dialect.givenRows(texts, rows, 1)
  const values = columns.map(({ type }, index) => dialect.valueOf(`c${index}`, type))
  await tx.query(
    `
insert into ${name} (${columns.map((column) => column.name).join(', ')})
select ${values.join(', ')}
from ${given.sql}
where true
order by n`,
    given.params,
  )
}
