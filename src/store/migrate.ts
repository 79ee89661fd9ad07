import type { Statements } from './dialect/dialect.ts'
import { findUndistributed, writeDistribution } from './distribute-tables.ts'
import { MIGRATIONS } from './migrations/migrations.ts'
import { openDatabase } from './open-database.ts'
import type { Database } from './open-database.ts'
import { MIGRATIONS_TABLE } from './orm-options.ts'
import { findAppliedMigrations, requireKnown } from './require-schema.ts'

/** What `migrate` did: the migrations that it applied, and the tables that it spread over the workers of Citus. */
export interface Migrated {
  readonly applied: string[]
  readonly distributed: string[]
}

/**
 * Applies what is pending, and on Citus spreads the tables that are not yet; any number of processes may do so at once.
 * Makes an SQLite file if need be.
 * @throws DATABASE_TOO_NEW, and what `openDatabase` throws
 */
export async function migrate(url: string): Promise<Migrated> {
  return withDatabase(url, { create: true }, migrateDatabase)
}

/** `migrate` on an open database. */
export async function migrateDatabase(db: Database): Promise<Migrated> {
  // no migration of its own: Citus may come long after every migration was applied
  const undistributed = await findUndistributed(db)
  if (undistributed.length + (await findPending(db)).length === 0) return { applied: [], distributed: [] }
  return alone(db, async (tx) => {
    const applied = await db.orm.migrator.up()
    return { applied: applied.map(({ name }) => name), distributed: await distribute(db, tx) }
  })
}

/** Names of the migrations that `migrate` would apply, oldest first. */
export async function pendingMigrations(url: string): Promise<string[]> {
  return withDatabase(url, {}, async (db) => (await findPending(db)).map(({ name }) => name))
}

/** The tables that `migrate` would spread over the workers of Citus; none without Citus. */
export async function pendingDistribution(url: string): Promise<string[]> {
  return withDatabase(url, {}, findUndistributed)
}

/** The SQL that `migrate` would run, MikroORM's list of migrations included; empty when nothing is pending. */
export async function printMigrations(url: string): Promise<string> {
  return withDatabase(url, {}, async (db) => {
    const pending = await findPending(db)
    const statements = pending.length > 0 ? [db.dialect.migrationsTable] : []
    for (const { name, class: Migration } of pending) {
      const migration = new Migration(db.orm.em.getDriver(), db.orm.config)
      migration.up()
      statements.push(...(migration.getQueries() as string[]))
      statements.push(`insert into ${MIGRATIONS_TABLE} (name) values ('${name}')`)
    }
    const tables = await findUndistributed(db)
    if (tables.length > 0) statements.push(writeDistribution(tables))
    return statements.map((sql) => `${sql};\n`).join('')
  })
}

/** Takes the newest migration back and names it; undefined when there is none. What its tables held is gone. */
export async function revertMigration(url: string): Promise<string | undefined> {
  return withDatabase(url, {}, async (db) => {
    if ((await findAppliedMigrations(db)).length === 0) return undefined
    const [reverted] = await alone(db, () => db.orm.migrator.down())
    return reverted?.name
  })
}

/** Looks only now that no other process can be at it. */
async function distribute(db: Database, tx: Statements): Promise<string[]> {
  const tables = await findUndistributed({ ...db, ...tx })
  if (tables.length > 0) await tx.query(writeDistribution(tables))
  return tables
}

async function findPending(db: Database): Promise<typeof MIGRATIONS> {
  const applied = await findAppliedMigrations(db)
  requireKnown(applied, db.place)
  return MIGRATIONS.filter(({ name }) => !applied.includes(name))
}

/**
 * Runs MikroORM's migrator, which takes no lock itself, while no other process does. On PostgreSQL it works on another
 * connection in a transaction of its own; on SQLite there is one connection, so it works inside ours.
 */
async function alone<T>(db: Database, run: (tx: Statements) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    if (db.dialect.migrationLock) await tx.query(db.dialect.migrationLock)
    const executed = await db.orm.migrator.getExecuted()
    requireKnown(
      executed.map(({ name }) => name),
      db.place,
    )
    return run(tx)
  })
}

async function withDatabase<T>(
  url: string,
  options: { create?: boolean },
  run: (db: Database) => Promise<T>,
): Promise<T> {
  const db = await openDatabase(url, options)
  try {
    return await run(db)
  } finally {
    await db.close()
  }
}
