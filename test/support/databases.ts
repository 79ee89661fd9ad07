import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { migrate } from '../../src/store/migrate.ts'

export type DatabaseKind = 'sqlite' | 'postgresql'
export const DATABASE_KINDS: readonly DatabaseKind[] = ['sqlite', 'postgresql']

/** A database of one's own. */
export interface TestDatabase {
  readonly kind: DatabaseKind
  readonly url: string
  remove(): Promise<void>
}

/**
 * Makes a new database; with `migrated: false` an empty one (on SQLite: a path without a file).
 * PostgreSQL is the one of `startSharedCluster`, or `server`.
 */
export async function makeDatabase(
  kind: DatabaseKind,
  { migrated = true, server }: { migrated?: boolean; server?: string | undefined } = {},
): Promise<TestDatabase> {
  const database = kind === 'sqlite' ? makeSqlitePath() : await makePostgresDatabase(server)
  if (migrated) await migrate(database.url)
  return database
}

function makeSqlitePath(): TestDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  return {
    kind: 'sqlite',
    url: `sqlite:${join(folder, 'usage.db')}`,
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function makePostgresDatabase(server = process.env['TEST_DATABASE_URL']): Promise<TestDatabase> {
  if (!server)
    throw new Error('No PostgreSQL: call startSharedCluster first, or name one in TEST_DATABASE_URL.')
  const name = `apikey_analytics_test_${randomBytes(8).toString('hex')}`
  await administer(server, `create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return {
    kind: 'postgresql',
    url: url.href,
    remove: () => administer(server, `drop database if exists ${name} with (force)`),
  }
}

async function administer(server: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
