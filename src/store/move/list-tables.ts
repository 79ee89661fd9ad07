import type { EntityMetadata, EntityProperty } from '@mikro-orm/core'
import { ENTITIES } from '../database/entities/entities.ts'
import type { Database } from '../database/open-database.ts'
import { readOnlyOrm } from '../database/read-only-orm.ts'

/** A table, with the types that its columns have in one database. */
export interface CopiedTable {
  readonly name: string
  readonly columns: readonly CopiedColumn[]
  /** The primary key. */
  readonly key: readonly CopiedColumn[]
  /** The column whose numbers the database gives. */
  readonly numbered: string | undefined
}

export interface CopiedColumn {
  readonly name: string
  readonly type: string
}

/** The one row about the database itself is written when all others are there. */
const META = 'api_key_analytics_meta'

/** Every table with rows to copy, from the entities; a table comes after those that it refers to. */
export function listTables(db: Pick<Database, 'connections'>): CopiedTable[] {
  const metas = readMetadata(db)
  const tables = new Map(metas.map((meta) => [meta.tableName, meta]))
  tables.delete(META)
  const ordered = new Set<string>()
  const add = (meta: EntityMetadata): void => {
    for (const { targetMeta } of meta.relations) if (targetMeta && targetMeta !== meta) add(targetMeta)
    ordered.add(meta.tableName)
  }
  for (const meta of tables.values()) add(meta)
  return [...ordered].map((name) => describeTable(tables.get(name)!))
}

/** The columns of the row about the database itself. */
export function listMetaColumns(db: Pick<Database, 'connections'>): CopiedColumn[] {
  const meta = readMetadata(db).find(({ tableName }) => tableName === META)!
  return meta.props.flatMap(columnsOf)
}

function readMetadata(db: Pick<Database, 'connections'>): EntityMetadata[] {
  const metadata = readOnlyOrm(db).getMetadata()
  return ENTITIES.map(({ meta }) => metadata.get(meta.class) as EntityMetadata)
}

function describeTable(meta: EntityMetadata): CopiedTable {
  const primary = meta.getPrimaryProps()
  return {
    name: meta.tableName,
    columns: meta.props.flatMap(columnsOf),
    key: primary.flatMap(columnsOf),
    numbered: primary.find(({ autoincrement }) => autoincrement)?.fieldNames[0],
  }
}

function columnsOf({ fieldNames, columnTypes }: EntityProperty): CopiedColumn[] {
  return fieldNames.map((name, index) => ({ name, type: typeOfValue(columnTypes[index]!) }))
}

/** A column that counts up is declared as `serial`, and its values are `int`. */
function typeOfValue(type: string): string {
  return type.replace(/^(big|small|)serial$/, '$1int')
}
