import { randomBytes, randomUUID } from 'node:crypto'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { migrate } from '../../../src/store/database/migrate.ts'
import { administer, administerOften } from './administer.ts'
import { createOnEveryNode, dropOnEveryNode, joinNodes } from './citus-nodes.ts'

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
 * PostgreSQL is the one of `startSharedCluster`, or `server`; Citus is the one of TEST_CITUS_URL. A migrated one is a
 * copy where `makeTemplates` has made templates.
 */
export async function makeDatabase(
  kind: DatabaseKind | 'citus',
  { migrated = true, server }: { migrated?: boolean; server?: string | undefined } = {},
): Promise<TestDatabase> {
  const { TEST_CITUS_URL, TEST_DATABASE_URL, TEST_SQLITE_TEMPLATE, TEST_POSTGRES_TEMPLATE } = process.env
  if (kind === 'sqlite') {
    const database = makeSqlitePath()
    if (migrated && TEST_SQLITE_TEMPLATE) copySqlite(TEST_SQLITE_TEMPLATE, database.url)
    else if (migrated) await migrate(database.url)
    return database
  }
  const isCopied = migrated && !server && kind === 'postgresql' && TEST_POSTGRES_TEMPLATE !== undefined
  const database = await makePostgresDatabase(
    server ?? (kind === 'citus' ? TEST_CITUS_URL : TEST_DATABASE_URL),
    isCopied ? TEST_POSTGRES_TEMPLATE : undefined,
  )
  if (isCopied) await administer(database.url, SET_ID)
  else if (migrated) await migrate(database.url)
  return database
}

/** A copy is another database, so it gets an id of its own, as its migration would give it. */
const SET_ID = 'update api_key_analytics_meta set database_id = gen_random_uuid()'

function copySqlite(from: string, to: string): void {
  const [source, path] = [from, to].map((url) => url.slice('sqlite:'.length)) as [string, string]
  copyFileSync(source, path)
  const file = new Sqlite(path)
  file.prepare('update api_key_analytics_meta set database_id = ?').run(randomUUID())
  file.close()
}

function makeSqlitePath(): TestDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  return {
    kind: 'sqlite',
    url: `sqlite:${join(folder, 'usage.db')}`,
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function makePostgresDatabase(server: string | undefined, option?: string): Promise<TestDatabase> {
  if (!server)
    throw new Error('No PostgreSQL: call startSharedCluster first, or name one in TEST_DATABASE_URL.')
  const url = new URL(server)
  url.pathname = `/apikey_analytics_test_${randomBytes(8).toString('hex')}`
  await createDatabase(url.href, option)
  return { kind: 'postgresql', url: url.href, remove: () => dropDatabase(url.href) }
}

/** Makes the PostgreSQL database that a URL names, on Citus on all its servers. `option` is one of `create database`, such as `template name`. */
export async function createDatabase(url: string, option = ''): Promise<void> {
  const { server, name } = splitUrl(url)
  if (isCitus(url)) {
    await createOnEveryNode(server, name)
    return joinNodes(server, name)
  }
  await administerOften(server, `create database ${name} ${option}`)
}

/** Drops the PostgreSQL database that a URL names, whoever is connected. */
export async function dropDatabase(url: string): Promise<void> {
  const { server, name } = splitUrl(url)
  if (isCitus(url)) return dropOnEveryNode(server, name)
  await administerOften(server, `drop database if exists ${name} with (force)`)
}

/** The database `postgres` of the same server, and the name. */
function splitUrl(url: string): { server: string; name: string } {
  const server = new URL(url)
  const name = server.pathname.slice(1)
  server.pathname = '/postgres'
  return { server: server.href, name }
}

function isCitus(url: string): boolean {
  const citus = process.env['TEST_CITUS_URL']
  return citus !== undefined && new URL(url).host === new URL(citus).host
}
