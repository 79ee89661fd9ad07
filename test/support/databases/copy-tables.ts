import { ENTITIES } from '../../../src/store/database/entities/entities.ts'
import type { Database } from '../../../src/store/database/open-database.ts'
import { readOnlyOrm } from '../../../src/store/database/read-only-orm.ts'

/** The rows of all our tables, in a form that either database takes. */
export type TableCopy = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>

/** Tables after those that they refer to. */
const TABLES = ENTITIES.map((schema) => schema.meta.tableName).toSorted(
  (a, b) => Number(b === 'api_key_analytics_keys') - Number(a === 'api_key_analytics_keys'),
)

interface Column {
  readonly name: string
  readonly isTime: boolean
  readonly isBins: boolean
}

function columnsOf(db: Database, table: string): Column[] {
  const meta = [...readOnlyOrm(db).getMetadata().getAll().values()].find(
    ({ tableName }) => tableName === table,
  )!
  return meta.props.flatMap(({ fieldNames, columnTypes }) =>
    fieldNames.map((name, index) => ({
      name,
      isTime: /^(datetime|timestamptz)/.test(columnTypes[index]!),
      isBins: name === 'duration_bins',
    })),
  )
}

/** Copies all rows. */
export async function dumpTables(db: Database): Promise<TableCopy> {
  const copy: Record<string, Record<string, unknown>[]> = {}
  const { dialect } = db
  for (const table of TABLES) {
    const columns = columnsOf(db, table).map(({ name, isTime, isBins }) => {
      if (isTime) return `${dialect.millisecondsOf(name)} as ${name}`
      const isArray = isBins && dialect.kind === 'postgresql'
      return isArray ? `array_to_json(${name})::text as ${name}` : name
    })
    copy[table] = await db.query(`select ${columns.join(', ')} from ${table}`)
  }
  return copy
}

/** Replaces all rows with those of a copy. */
export async function loadTables(db: Database, copy: TableCopy): Promise<void> {
  const { dialect } = db
  await db.transaction(async (tx) => {
    for (const table of TABLES.toReversed()) await tx.query(`delete from ${table}`)
    for (const table of TABLES) {
      const columns = columnsOf(db, table)
      const values = columns.map(({ isTime, isBins }, index) => {
        if (isTime) return dialect.timeOf(`$${index + 1}`)
        return isBins ? dialect.histogram.fromJson(`cast($${index + 1} as text)`) : `$${index + 1}`
      })
      const names = columns.map(({ name }) => name)
      const insert = `insert into ${table} (${names.join(', ')}) values (${values.join(', ')})`
      for (const row of copy[table]!)
        await tx.query(
          insert,
          names.map((name) => row[name]),
        )
    }
    if (dialect.kind === 'postgresql') {
      const sequence = "pg_get_serial_sequence('api_key_analytics_prunes', 'id')"
      await tx.query(
        `select setval(${sequence}, (select coalesce(max(id), 0) + 1 from api_key_analytics_prunes))`,
      )
    }
  })
}
