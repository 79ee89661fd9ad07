import { AnalyticsError } from '../../model/errors.ts'
import type { Statements } from './dialect.ts'
import { ENTITIES } from './entities/entities.ts'
import { MIGRATIONS } from './migrations/migrations.ts'
import { MIGRATIONS_TABLE } from './orm-options.ts'
import type { Database } from './open-database.ts'

const APPLIED = `select name from ${MIGRATIONS_TABLE} order by id`

/**
 * Checks that the tables are those of this version, and that all their rows are visible.
 * @throws DATABASE_NOT_MIGRATED, DATABASE_TOO_NEW, DATABASE_REFUSED
 */
export async function requireSchema(db: Database): Promise<void> {
  await requireAllRows(db)
  const applied = await findAppliedMigrations(db)
  requireKnown(applied, db.databaseLabel)
  const pending = MIGRATIONS.filter(({ name }) => !applied.includes(name))
  if (pending.length > 0) throw notMigrated(db.databaseLabel, pending[0]!.name)
  await requireTables(db)
}

/**
 * Checks that every table of this version is there with all its columns. The migration has one name since before it was
 * published, so its name alone does not say which tables it made.
 * @throws DATABASE_NOT_MIGRATED
 */
export async function requireTables(
  db: Statements & Pick<Database, 'databaseLabel' | 'dialect' | 'orm'>,
): Promise<void> {
  const expected = ENTITIES.map(({ meta }) => db.orm.getMetadata().get(meta.class)).map((table) => ({
    table: table.tableName,
    columns: table.props.flatMap(({ fieldNames }) => fieldNames),
  }))
  const found = await db.query<{ name: string; column_name: string }>(db.dialect.columns, [
    JSON.stringify(expected.map(({ table }) => table)),
  ])
  const known = new Set(found.map(({ name, column_name: column }) => `${name}.${column}`))
  const lacking = expected.flatMap(({ table, columns }) =>
    columns.filter((column) => !known.has(`${table}.${column}`)).map((column) => `${table}.${column}`),
  )
  if (lacking.length === 0) return
  throw new AnalyticsError(
    'DATABASE_NOT_MIGRATED',
    `${db.databaseLabel} was migrated by an unpublished version of apikey-analytics: it has no ${lacking[0]}. ` +
      'Use another database. Or run "apikey-analytics migrate --down", which deletes all its counts, then "apikey-analytics migrate".',
  )
}

/** Names of the applied migrations, oldest first; empty when their table does not exist yet. */
export async function findAppliedMigrations(db: Statements): Promise<string[]> {
  try {
    return (await db.query<{ name: string }>(APPLIED)).map(({ name }) => name)
  } catch (error) {
    if (error instanceof AnalyticsError && error.code === 'DATABASE_NOT_MIGRATED') return []
    throw error
  }
}

/** @throws DATABASE_TOO_NEW when a migration was applied that this version does not know. */
export function requireKnown(applied: readonly string[], databaseLabel: string): void {
  const known = MIGRATIONS.map(({ name }) => name)
  const unknown = applied.findLast((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new AnalyticsError(
    'DATABASE_TOO_NEW',
    `${databaseLabel} was migrated by a newer apikey-analytics: it is at ${unknown}, this version knows ${known.at(-1)}. ` +
      'Upgrade this package before using it.',
  )
}

/** Rows that a policy hides would silently be missing from every number. */
async function requireAllRows(db: Database): Promise<void> {
  const { dialect, databaseLabel } = db
  if (!dialect.hidingTables) return
  const hiding = await db.query<{ name: string }>(dialect.hidingTables)
  if (hiding.length === 0) return
  throw new AnalyticsError(
    'DATABASE_REFUSED',
    `Row level security (row_security) can hide rows from this role in ${databaseLabel}: ${hiding.map(({ name }) => name).join(', ')}. ` +
      'Numbers would be wrong. Use the owner of the tables or a role with bypassrls, or: alter table … disable row level security.',
  )
}

function notMigrated(databaseLabel: string, next: string): AnalyticsError {
  return new AnalyticsError(
    'DATABASE_NOT_MIGRATED',
    `${databaseLabel} is not migrated: ${next} is not applied. Run "apikey-analytics migrate".`,
  )
}
