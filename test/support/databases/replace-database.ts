import { copyFileSync, rmSync } from 'node:fs'
import pg from 'pg'
import { openDatabase } from '../../../src/store/database/open-database.ts'
import { parseDatabaseUrl } from '../../../src/options/parse-database-url.ts'

/** Runs one statement on a database, as an administrator does by hand. */
export async function runByHand(url: string, sql: string): Promise<void> {
  const db = await openDatabase(url)
  await db.query(sql)
  await db.close()
}

/** Makes a copy of a database. @returns what puts the copy in its place: the database is then as it was */
export async function copyDatabase(url: string): Promise<() => Promise<void>> {
  const address = parseDatabaseUrl(url)
  if (address.kind === 'sqlite') return copySqlite(url, address.path)
  const name = new URL(url).pathname.slice(1)
  const copy = `${name}_copy`
  await administer(url, `create database ${copy} template ${name}`, name)
  return async () => {
    await administer(url, `drop database ${name} with (force)`)
    await administer(url, `alter database ${copy} rename to ${name}`)
  }
}

async function copySqlite(url: string, path: string): Promise<() => Promise<void>> {
  await runByHand(url, 'pragma wal_checkpoint(truncate)')
  copyFileSync(path, `${path}.copy`)
  return async () => {
    for (const ending of ['', '-wal', '-shm']) rmSync(path + ending, { force: true })
    copyFileSync(`${path}.copy`, path)
  }
}

/** Deletes a database and makes an empty one of the same name. */
export async function emptyDatabase(url: string): Promise<void> {
  const address = parseDatabaseUrl(url)
  if (address.kind === 'sqlite') {
    for (const ending of ['', '-wal', '-shm']) rmSync(address.path + ending, { force: true })
    return
  }
  const name = new URL(url).pathname.slice(1)
  await administer(url, `drop database ${name} with (force)`)
  await administer(url, `create database ${name}`)
}

/** From the database `postgres` of the same server; `quiet` is a database that nobody may be connected to. */
async function administer(url: string, sql: string, quiet?: string): Promise<void> {
  const server = new URL(url)
  server.pathname = '/postgres'
  const client = new pg.Client({ connectionString: server.href })
  await client.connect()
  try {
    if (quiet) {
      await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [quiet])
    }
    await client.query(sql)
  } finally {
    await client.end()
  }
}
