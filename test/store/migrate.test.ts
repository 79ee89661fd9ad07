import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { MikroORM } from '@mikro-orm/postgresql'
import { expect, test } from 'vitest'
import { ENTITIES } from '../../src/store/database/entities/entities.ts'
import { MIGRATION_LOCK } from '../../src/store/database/postgresql/postgresql.ts'
import {
  findPendingWork,
  migrate,
  printMigrations,
  revertMigration,
} from '../../src/store/database/migrate.ts'
import { MIGRATIONS } from '../../src/store/database/migrations/migrations.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { ORM_OPTIONS } from '../../src/store/database/orm-options.ts'
import { parseDatabaseUrl } from '../../src/options/parse-database-url.ts'
import { readOnlyOrm } from '../../src/store/database/read-only-orm.ts'
import { requireSchema } from '../../src/store/database/require-schema.ts'
import { TABLE_COLUMNS } from '../../src/store/database/table-columns.ts'
import { administer } from '../support/databases/administer.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runProcess } from '../support/processes/run-process.ts'

const NAMES = MIGRATIONS.map(({ name }) => name)

async function use<T>(url: string, run: (db: Database) => Promise<T>): Promise<T> {
  const db = await openDatabase(url, { create: true })
  try {
    return await run(db)
  } finally {
    await db.close()
  }
}

/** What MikroORM would change to make the tables fit the entities; views that Citus brings are not ours. */
async function diffSchema(db: Database): Promise<string> {
  const sql = await readOnlyOrm(db).schema.getUpdateSchemaSQL({ wrap: false })
  return sql.replaceAll(/^drop view if exists "citus_\w+" cascade;\n+/gm, '')
}

/** Names of our tables in the database. */
function listTables(url: string): Promise<string[]> {
  return use(url, async (db) => {
    const catalogue = {
      sqlite: "select name from sqlite_master where type = 'table'",
      postgresql: 'select tablename as name from pg_tables',
    }
    const rows = await db.query<{ name: string }>(`${catalogue[db.dialect.kind]} order by name`)
    const isTable = /^api_key_analytics(_[a-z_]+)?$/
    return rows.map(({ name }) => name).filter((name) => isTable.test(name))
  })
}

forEachDatabase('migrate', (kind, makeUrl) => {
  test('knows the columns of every entity without loading it', async () => {
    const metadata = await use(await makeUrl(), async (db) => readOnlyOrm(db).getMetadata())
    const tables = ENTITIES.map(({ meta }) => metadata.get(meta.class))
    expect(Object.entries(TABLE_COLUMNS)).toEqual(
      tables.map(({ tableName, props }) => [tableName, props.flatMap(({ fieldNames }) => fieldNames)]),
    )
  })

  test('makes tables that fit the entities without any difference', async () => {
    const url = await makeUrl({ migrated: false })
    expect(await migrate(url)).toMatchObject({ applied: NAMES })
    expect(await findPendingWork(url)).toEqual({ pending: [], undistributed: [] })
    expect(await use(url, diffSchema)).toBe('')
    expect(await listTables(url)).toHaveLength(ENTITIES.length + 1)
  })

  test('does nothing the second time', async () => {
    expect(await migrate(await makeUrl())).toEqual({ applied: [], distributed: [] })
  })

  test('ten processes may migrate at once: one does it, none fails', async () => {
    const url = await makeUrl({ migrated: false })
    const runs = await Promise.all(Array.from({ length: 10 }, () => runProcess('migrate', url)))
    expect(runs.map(({ code }) => code)).toEqual(runs.map(() => 0))
    expect(runs.flatMap(({ output }) => JSON.parse(output).applied)).toEqual(NAMES)
    await use(url, requireSchema)
  })

  test('prints SQL that does the same as migrating, and changes nothing itself', async () => {
    const url = await makeUrl({ migrated: false })
    if (kind === 'sqlite') await use(url, async () => {})
    const sql = await printMigrations(url)
    expect(await listTables(url)).toEqual([])
    expect(await findPendingWork(url)).toMatchObject({ pending: NAMES })
    await use(url, async (db) => {
      for (const statement of sql.split(/;\n(?! |end)/).filter(Boolean)) await db.query(statement)
      await requireSchema(db)
      expect(await diffSchema(db)).toBe('')
    })
    expect(await migrate(url)).toEqual({ applied: [], distributed: [] })
    expect(await printMigrations(url)).toBe('')
  })

  test('goes back and forth, and says when there is nothing to go back to', async () => {
    const url = await makeUrl()
    for (const name of NAMES.toReversed()) expect(await revertMigration(url)).toBe(name)
    expect(await revertMigration(url)).toBeUndefined()
    expect(await listTables(url)).toEqual(['api_key_analytics_migrations'])
    expect(await migrate(url)).toMatchObject({ applied: NAMES })
  })

  test('gives every database an id of its own', async () => {
    const ids = new Set<unknown>()
    for (const url of [await makeUrl(), await makeUrl()]) {
      const [row] = await use(url, (db) =>
        db.query<{ database_id: string }>('select * from api_key_analytics_meta'),
      )
      expect(row!.database_id).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      )
      ids.add(row!.database_id)
    }
    expect(ids.size).toBe(2)
  })

  test('refuses a database that a newer version migrated, and names both versions', async () => {
    const url = await makeUrl()
    const insert = "insert into api_key_analytics_migrations (name) values ('209901_from_the_future')"
    await use(url, (db) => db.query(insert))
    const attempts = [
      () => migrate(url),
      () => findPendingWork(url),
      () => printMigrations(url),
      () => revertMigration(url),
    ]
    for (const attempt of [...attempts, () => use(url, requireSchema)]) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'DATABASE_TOO_NEW',
        message: expect.stringMatching(new RegExp(`209901_from_the_future.*${NAMES.at(-1)}`)),
      })
    }
  })

  test.each([
    ['a table', 'drop table api_key_analytics_quantities', 'api_key_analytics_quantities.api_key_id'],
    ['a column', 'alter table api_key_analytics_ledger drop column addition_count', 'addition_count'],
  ])(
    'refuses a database of an unpublished version that lacks %s, by name',
    async (_what, change, lacking) => {
      const url = await makeUrl()
      await use(url, (db) => db.query(change))
      const attempts = [
        () => migrate(url),
        () => findPendingWork(url),
        () => printMigrations(url),
        () => use(url, requireSchema),
      ]
      for (const attempt of attempts) {
        await expect(attempt()).rejects.toMatchObject({
          code: 'DATABASE_NOT_MIGRATED',
          message: expect.stringMatching(new RegExp(`unpublished version.*${lacking}.*migrate --down`)),
        })
      }
      expect(await revertMigration(url)).toBe(NAMES[0])
      expect(await migrate(url)).toMatchObject({ applied: NAMES })
      await use(url, requireSchema)
    },
  )

  test('an unmigrated database is told apart from a broken one', async () => {
    const url = await makeUrl({ migrated: false })
    await expect(use(url, requireSchema)).rejects.toMatchObject({
      code: 'DATABASE_NOT_MIGRATED',
      message: expect.stringContaining('apikey-analytics migrate'),
    })
  })
})

test('a mistyped PostgreSQL name is an error that shows no password, and makes no database', async () => {
  const url = new URL(process.env['TEST_DATABASE_URL']!)
  url.pathname = `/mistyped_${randomBytes(4).toString('hex')}`
  for (const attempt of [migrate, findPendingWork, printMigrations, openDatabase]) {
    const error = await attempt(url.href).then(
      () => undefined,
      (error: Error) => error,
    )
    expect(error).toMatchObject({
      code: 'DATABASE_REFUSED',
      message: expect.stringContaining(url.pathname.slice(1)),
    })
    expect(error!.message).not.toContain(url.password)
  }
})

test('looking at an SQLite file that is not there makes none', async () => {
  const url = `sqlite:/tmp/no-such-folder-${randomBytes(4).toString('hex')}/usage.db`
  for (const attempt of [findPendingWork, printMigrations, revertMigration, openDatabase]) {
    await expect(attempt(url)).rejects.toMatchObject({ code: 'DATABASE_NOT_FOUND' })
  }
  const address = parseDatabaseUrl(url)
  expect(address.kind === 'sqlite' && existsSync(address.path)).toBe(false)
})

test('a search path takes the tables and the list of migrations along', async () => {
  const database = await makeDatabase('postgresql', { migrated: false })
  await use(database.url, (db) => db.query('create schema metering'))
  const url = `${database.url}?options=${encodeURIComponent('-c search_path=metering')}`
  await migrate(url)
  await use(url, async (db) => {
    await requireSchema(db)
    expect(await diffSchema(db)).toBe('')
    const tables = await db.query("select 1 from pg_tables where schemaname = 'metering'")
    expect(tables).toHaveLength(ENTITIES.length + 1)
  })
  await database.remove()
})

test('a migrate that waits for another one says for whom, and gives up in the end', async () => {
  const database = await makeDatabase('postgresql', { migrated: false })
  const holder = administer(database.url, `select pg_advisory_lock(${MIGRATION_LOCK}), pg_sleep(600)`).catch(
    () => {},
  )
  const pid = async () => {
    const [row] = await administer<{ pid: number }>(
      database.url,
      "select pid from pg_locks where locktype = 'advisory' and granted",
    )
    return row?.pid
  }
  await expect.poll(pid).toBeDefined()
  const said: string[] = []
  const wait = { onWait: (message: string) => said.push(message), longestMs: 3000 }
  await expect(migrate(database.url, wait)).rejects.toMatchObject({
    code: 'DATABASE_BUSY',
    message: expect.stringContaining(`process ${await pid()} of the server`),
  })
  expect(said).toEqual([expect.stringContaining(`process ${await pid()} of the server`)])
  await administer(database.url, `select pg_terminate_backend(${await pid()})`)
  await holder
  expect(await migrate(database.url)).toMatchObject({ applied: NAMES })
  await database.remove()
})

test("what MikroORM's own migrator would do is already done, and the other way round", async () => {
  const [ours, theirs] = [
    await makeDatabase('postgresql'),
    await makeDatabase('postgresql', { migrated: false }),
  ]
  const [here, there] = [ours, theirs].map(({ url }) => new MikroORM({ ...ORM_OPTIONS, clientUrl: url }))
  expect(await here!.migrator.getPending()).toEqual([])
  await there!.migrator.up()
  for (const orm of [here, there]) await orm!.close()
  expect(await migrate(theirs.url)).toEqual({ applied: [], distributed: [] })
  const columns = (url: string) =>
    administer(
      url,
      "select column_name, data_type, is_nullable, column_default from information_schema.columns where table_name = 'api_key_analytics_migrations' order by ordinal_position",
    )
  expect(await columns(ours.url)).toEqual(await columns(theirs.url))
  for (const database of [ours, theirs]) await database.remove()
})
