import { existsSync } from 'node:fs'
import type { OpenOptions, Statements } from './dialect.ts'
import { findUndistributed, writeDistribution } from './distribute-tables.ts'
import { lockMigrations } from './lock-migrations.ts'
import type { MigrationWait } from './lock-migrations.ts'
import { MIGRATION_NAMES, MIGRATIONS_TABLE } from './migrations/migration-names.ts'
import { openDatabase } from './open-database.ts'
import type { Database } from './open-database.ts'
import { parseDatabaseUrl } from '../../options/parse-database-url.ts'
import { findAppliedMigrations, requireKnown, requireTables } from './require-schema.ts'

/** What `migrate` did: the migrations that it applied, and the tables that it distributed over the workers of Citus. */
export interface Migrated {
  readonly applied: string[]
  readonly distributed: string[]
}

/** What `migrate` would do. */
export interface PendingWork {
  /** Names of the migrations that it would apply, oldest first. */
  readonly pending: string[]
  /** The tables that it would distribute over the workers of Citus; none without Citus. */
  readonly undistributed: string[]
}

/**
 * Applies pending migrations, and on Citus distributes the tables that are still local. Any number of processes may
 * call it at once. Creates an SQLite file if there is none. On PostgreSQL it needs one connection, also through a
 * pooler.
 * @throws DATABASE_TOO_NEW, DATABASE_BUSY when another process migrates for too long, and what `openDatabase` throws
 */
export async function migrate(url: string, wait?: MigrationWait): Promise<Migrated> {
  return withDatabase(url, (db) => migrateDatabase(db, wait), openToMigrate)
}

/**
 * Opens a database that is migrated next; an SQLite file is created. What that loads is there before a new file is, so
 * that others do not find it without tables.
 */
export async function openToMigrate(url: string, options?: OpenOptions): Promise<Database> {
  const address = parseDatabaseUrl(url)
  const isNew = address.kind === 'sqlite' && !existsSync(address.path)
  if (isNew) await import('./migrations/write-migrations.ts')
  return openDatabase(url, { ...options, create: true })
}

/** `migrate` on an open database. */
export async function migrateDatabase(db: Database, wait?: MigrationWait): Promise<Migrated> {
  // Not a migration: Citus may be installed long after all migrations were applied.
  const undistributed = await findUndistributed(db)
  if (undistributed.length + (await findPending(db)).length === 0) return { applied: [], distributed: [] }
  // before the lock, for which others wait
  const { writeUps } = await import('./migrations/write-migrations.ts')
  return alone(db, wait, async (tx) => {
    await tx.query(db.dialect.migrationsTable)
    const applied = await findPending({ ...db, ...tx })
    for (const sql of writeUps(db, applied)) await tx.query(sql)
    return { applied, distributed: await distribute(db, tx) }
  })
}

/** Finds what `migrate` would do, and changes nothing. */
export async function findPendingWork(url: string): Promise<PendingWork> {
  return withDatabase(url, async (db) => {
    const pending = await findPending(db)
    return { pending, undistributed: await findUndistributed(db) }
  })
}

/** The SQL that `migrate` would run, the list of migrations included; empty when nothing is pending. */
export async function printMigrations(url: string): Promise<string> {
  const { writeUps } = await import('./migrations/write-migrations.ts')
  return withDatabase(url, async (db) => {
    const pending = await findPending(db)
    const statements = pending.length > 0 ? [db.dialect.migrationsTable, ...writeUps(db, pending)] : []
    const tables = await findUndistributed(db)
    if (tables.length > 0) statements.push(writeDistribution(tables))
    return statements.map((sql) => `${sql};\n`).join('')
  })
}

/** Reverts the newest migration and returns its name; undefined when there is none. The data in its tables is lost. */
export async function revertMigration(url: string, wait?: MigrationWait): Promise<string | undefined> {
  return withDatabase(url, async (db) => {
    if ((await findAppliedMigrations(db)).length === 0) return undefined
    const { writeStatements } = await import('./migrations/write-migrations.ts')
    return alone(db, wait, async (tx) => {
      const applied = await findAppliedMigrations({ ...db, ...tx })
      requireKnown(applied, db.databaseLabel)
      const newest = applied.at(-1)
      if (newest === undefined) return undefined
      for (const sql of writeStatements(db, newest, 'down')) await tx.query(sql)
      await tx.query(`delete from ${MIGRATIONS_TABLE} where name = $1`, [newest])
      return newest
    })
  })
}

/** Reads the list only under the lock: no other process can change it now. */
async function distribute(db: Database, tx: Statements): Promise<string[]> {
  const tables = await findUndistributed({ ...db, ...tx })
  if (tables.length > 0) await tx.query(writeDistribution(tables))
  return tables
}

async function findPending(db: Database): Promise<string[]> {
  const applied = await findAppliedMigrations(db)
  requireKnown(applied, db.databaseLabel)
  const pending = MIGRATION_NAMES.filter((name) => !applied.includes(name))
  if (pending.length === 0) await requireTables(db)
  return pending
}

/**
 * Runs under the lock for migrations, all in one transaction on one connection. MikroORM's migrator takes no lock, and
 * it would need a second connection: a role or a pooler may allow only one.
 */
async function alone<T>(
  db: Database,
  wait: MigrationWait | undefined,
  run: (tx: Statements) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    await lockMigrations(tx, db, wait)
    return run(tx)
  }, 'schema')
}

async function withDatabase<T>(
  url: string,
  run: (db: Database) => Promise<T>,
  open = openDatabase,
): Promise<T> {
  const db = await open(url, { maxConnections: 1, liftTimeout: true })
  try {
    return await run(db)
  } finally {
    await db.close()
  }
}
