import { AnalyticsError } from '../../model/errors.ts'
import type { Statements } from './dialect.ts'
import { MIGRATION_NAMES, MIGRATIONS_TABLE } from './migrations/migration-names.ts'
import type { Database } from './open-database.ts'
import { TABLE_COLUMNS } from './table-columns.ts'

const APPLIED = `select name from ${MIGRATIONS_TABLE} order by id`

/**
 * Checks that the tables are those of this version, and that all their rows are visible.
 * @throws DATABASE_NOT_MIGRATED, DATABASE_TOO_NEW, DATABASE_REFUSED
 */
export async function requireSchema(db: Database): Promise<void> {
  await requireAllRows(db)
  const applied = await findAppliedMigrations(db)
  requireKnown(applied, db.databaseLabel)
  const pending = MIGRATION_NAMES.find((name) => !applied.includes(name))
  if (pending) throw notMigrated(db.databaseLabel, pending)
  await requireTables(db)
}

/**
 * Checks that every table of this version is there with all its columns. The migration has one name since before it was
 * published, so its name alone does not say which tables it made.
 * @throws DATABASE_NOT_MIGRATED
 */
export async function requireTables(
  db: Statements & Pick<Database, 'databaseLabel' | 'dialect'>,
): Promise<void> {
  const found = await db.query<{ name: string; column_name: string }>(db.dialect.columns, [
    JSON.stringify(Object.keys(TABLE_COLUMNS)),
  ])
  const known = new Set(found.map(({ name, column_name: column }) => `${name}.${column}`))
  const expected = Object.entries(TABLE_COLUMNS).flatMap(([table, columns]) =>
    columns.map((column) => `${table}.${column}`),
  )
  const lacking = expected.find((column) => !known.has(column))
  if (!lacking) return
  throw new AnalyticsError(
    'DATABASE_NOT_MIGRATED',
    `${db.databaseLabel} was migrated by an unpublished version of apikey-analytics: it has no ${lacking}. ` +
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
  const known = new Set<string>(MIGRATION_NAMES)
  const unknown = applied.findLast((name) => !known.has(name))
  if (unknown === undefined) return
  throw new AnalyticsError(
    'DATABASE_TOO_NEW',
    `${databaseLabel} was migrated by a newer apikey-analytics: it is at ${unknown}, this version knows ${MIGRATION_NAMES.at(-1)}. ` +
      'Upgrade this package before using it.',
  )
}

/** Rows that a policy hides would silently be missing from every number. */
async function requireAllRows(db: Database): Promise<void> {
  const { dialect, databaseLabel } = db
  if (!dialect.hidingTables) return
  const hiding = await db.query<{ name: string }>(dialect.hidingTables, [
    JSON.stringify([...Object.keys(TABLE_COLUMNS), MIGRATIONS_TABLE]),
  ])
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
