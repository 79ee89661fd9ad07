import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { MIGRATIONS_TABLE } from '../../src/store/database/migrations/migration-names.ts'
import { copyTables, digestTables, emptyTarget } from '../../src/store/move/copy-tables.ts'
import { readOnlyOrm } from '../../src/store/database/read-only-orm.ts'
import { listTables } from '../../src/store/move/list-tables.ts'
import type { CopiedTable } from '../../src/store/move/list-tables.ts'
import { readTableRows, writeRows } from '../../src/store/move/table-rows.ts'
import type { TextRow } from '../../src/store/move/table-rows.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { forEachMove } from '../support/databases/for-each-move.ts'

const KEYS = Array.from({ length: 66 }, () => randomUUID()).toSorted()
const LONG = 'ä'.repeat(150_000)
/** Extremes by the kind of a column; the first is also good for a key, which has no two of the same. */
const TEXTS = ['/a', '', '/ß', '"\'\\', '\\u0000', '\n\t\u0007', '{"a":[1]}', 'null', '🏪\u200d', 'Z', 'a']
const TIMES = ['1', '0', '-1', '1764000000123', '253402300799999', '-62135596800000']
const BIGINTS = ['1', '9223372036854775807', '-9223372036854775808', '9007199254740993', '0', '-1']
const INTEGERS = ['1', '2147483647', '-2147483648', '0']
const SMALL = ['1', '32767', '-32768', '0']
const BINS = ['[1]', '[]', '[9223372036854775807,0,9007199254740993]']

/** Rows for a table, with the extremes of each type, and nothing where nothing is allowed. */
function makeRows(db: Database, table: CopiedTable): TextRow[] {
  const meta = [...readOnlyOrm(db).getMetadata().getAll().values()].find(
    ({ tableName }) => tableName === table.name,
  )!
  const props = new Map(meta.props.flatMap((prop) => prop.fieldNames.map((name) => [name, prop] as const)))
  return KEYS.map((key, row) =>
    table.columns.map(({ name, type }) => {
      const prop = props.get(name)!
      if (prop.nullable && row % 3 === 0) return null
      if (/int/i.test(prop.type)) return numberFor(table, name, prop.type, row)
      if (prop.targetMeta || prop.type === 'UuidType') return key
      if (/^(datetime|timestamptz)/.test(type)) return TIMES[row % TIMES.length]!
      if (prop.type === 'DurationBinsType') return BINS[row % BINS.length]!
      const isIndexed = meta.indexes.some(({ properties }) => [properties].flat().includes(prop.name))
      return isIndexed ? TEXTS[row % TEXTS.length]! : textFor(table, name, row)
    }),
  )
}

function numberFor({ numbered, key }: CopiedTable, name: string, type: string, row: number): string {
  if (name === numbered) return String(row * 7 + 1)
  const isUniqueKey = key.length === 1 && key[0]!.name === name
  if (isUniqueKey) return String(row)
  const some = /bigint/i.test(type) ? BIGINTS : type === 'smallint' ? SMALL : INTEGERS
  return some[row % some.length]!
}

/** A text of a key stays below what an index takes, and makes the key unique. */
function textFor({ key }: CopiedTable, name: string, row: number): string {
  const text = row === 7 ? LONG : TEXTS[row % TEXTS.length]!
  return key.some((column) => column.name === name) ? `${text.slice(0, 9)}${row}` : text
}

async function fill(db: Database): Promise<Map<string, TextRow[]>> {
  const filled = new Map<string, TextRow[]>()
  for (const table of listTables(db)) {
    const rows = makeRows(db, table)
    await db.transaction((tx) => writeRows(tx, db, table, rows))
    filled.set(table.name, rows)
  }
  return filled
}

async function readAll(db: Database): Promise<Map<string, TextRow[]>> {
  const found = new Map<string, TextRow[]>()
  for (const table of listTables(db))
    found.set(table.name, (await Array.fromAsync(readTableRows(db, table))).flat())
  return found
}

/** Whatever the order of a key is in a database. */
const sorted = (rows: ReadonlyMap<string, TextRow[]>) =>
  new Map([...rows].map(([name, some]) => [name, some.map((row) => JSON.stringify(row)).toSorted()]))

async function startFilling(db: Database): Promise<string> {
  const moveId = randomUUID()
  await db.query(`update api_key_analytics_meta set state = 'arriving', move_id = '${moveId}'`)
  return moveId
}

forEachDatabase('what a move copies', (kind, makeUrl) => {
  let db: Database
  beforeEach(async () => {
    db = await openDatabase(await makeUrl())
  })
  afterEach(() => db.close())

  test('is every table of the schema, each after those that it refers to', async () => {
    const found = await db.query<{ name: string }>(
      kind === 'sqlite'
        ? "select name from sqlite_schema where type = 'table' and name like 'api_key_analytics%'"
        : "select tablename as name from pg_tables where schemaname = current_schema() and tablename like 'api_key_analytics%'",
    )
    const names = listTables(db).map(({ name }) => name)
    const others = [MIGRATIONS_TABLE, 'api_key_analytics_meta']
    expect([...names, ...others].toSorted()).toEqual(found.map(({ name }) => name).toSorted())
    const references = await db.query<{ child: string; parent: string }>(
      kind === 'sqlite'
        ? `select t.name as child, f."table" as parent from sqlite_schema t join pragma_foreign_key_list(t.name) f`
        : `select conrelid::regclass::text as child, confrelid::regclass::text as parent
           from pg_constraint where contype = 'f' and connamespace = current_schema()::regnamespace`,
    )
    expect(references.length).toBeGreaterThan(3)
    for (const { child, parent } of references)
      expect({ child, after: names.indexOf(child) > names.indexOf(parent) }).toEqual({ child, after: true })
  })

  test('is every column of every table', async () => {
    const tables = listTables(db)
    const found = await db.query<{ name: string; column_name: string }>(db.dialect.columns, [
      JSON.stringify(tables.map(({ name }) => name)),
    ])
    expect(
      tables.flatMap(({ name, columns }) => columns.map((column) => `${name}.${column.name}`)).toSorted(),
    ).toEqual(found.map((one) => `${one.name}.${one.column_name}`).toSorted())
  })

  test('is read page by page, and a page of long texts has few rows', async () => {
    const table = listTables(db).find(({ name }) => name === 'api_key_analytics_unsealed')!
    const instance = randomUUID()
    const small = Array.from({ length: 60 }, (_, chunk) => [instance, '1', String(chunk), '{}', '5'])
    const large = Array.from({ length: 100 }, (_, chunk) => [instance, '2', String(chunk), LONG, '5'])
    await db.transaction((tx) => writeRows(tx, db, table, [...small, ...large]))
    const pages = await Array.fromAsync(readTableRows(db, table))
    // the first page with long texts does not know yet that they come
    expect(pages.map(({ length }) => length)).toEqual([50, 100, 6, 4])
  })
})

// each kind of database is read and written once
forEachMove(
  'copied rows',
  ({ makeSource, makeTarget, to }) => {
    let source: Database
    let target: Database
    beforeEach(async () => {
      source = await openDatabase(await makeSource())
      target = await openDatabase(await makeTarget())
    })
    afterEach(async () => {
      await source.close()
      await target.close()
    })

    test('are exactly those of the source, in every table and with the extremes of every type', async () => {
      const filled = sorted(await fill(source))
      expect(sorted(await readAll(source))).toEqual(filled)
      const moveId = await startFilling(target)
      const progress: number[] = []
      const copied = await copyTables(source, target, { moveId, onProgress: (rows) => progress.push(rows) })
      expect(sorted(await readAll(target))).toEqual(filled)
      expect(progress.at(-1)).toBe(KEYS.length * filled.size)
      const arrived = await digestTables(target)
      expect([...arrived]).toEqual([...copied].map(([name, { rows, sum }]) => [name, { rows, sum }]))
      // by the database itself, not by what reads and writes here
      const [largest] = await target.query<{ rows: string | number }>(
        `select count(*) as rows from api_key_analytics_quantities
       where quantity = 9223372036854775807 or quantity = 9007199254740993 or quantity = -9223372036854775808`,
      )
      expect(Number(largest!.rows)).toBe(KEYS.filter((_, row) => [1, 2, 3].includes(row % 6)).length)
      const times = await target.query<{ time: string | number }>(
        `select ${target.dialect.millisecondsOf('bucket')} as time from api_key_analytics group by bucket order by bucket`,
      )
      expect(times.map(({ time }) => Number(time))).toEqual(TIMES.map(Number).toSorted((a, b) => a - b))
      if (to === 'sqlite') {
        const types = await target.query<{ type: string }>(
          `select distinct typeof(quantity) || typeof(bucket) || typeof(status) || typeof(api_key_id) as type
         from api_key_analytics_quantities`,
        )
        expect(types).toEqual([{ type: 'integerintegerintegertext' }])
      }
    })

    test('are followed by rows with numbers of their own', async () => {
      await fill(source)
      await copyTables(source, target, { moveId: await startFilling(target) })
      const prune = `insert into api_key_analytics_prunes (action, done_at, row_count, request_count, closed_request_count)
      values ('prune', ${target.dialect.timeOf('0')}, 0, 0, 0) returning id`
      const [next] = await target.query<{ id: number }>(prune)
      expect(next!.id).toBe((KEYS.length - 1) * 7 + 2)
    })

    test('have whole milliseconds, also where somebody stored a part of one', async () => {
      await fill(source)
      const part = source.dialect.timeOf('1764000000123.4')
      await source.query(`update api_key_analytics_keys set first_seen_at = ${part}`)
      const copied = await copyTables(source, target, { moveId: await startFilling(target) })
      expect((await digestTables(target)).get('api_key_analytics_keys')).toEqual(
        copied.get('api_key_analytics_keys'),
      )
      const [seen] = await target.query<{ time: string | number; rows: string | number }>(
        `select ${target.dialect.millisecondsOf('first_seen_at')} as time, count(*) as rows
       from api_key_analytics_keys where first_seen_at = ${target.dialect.timeOf('1764000000123')} group by 1`,
      )
      expect([Number(seen!.time), Number(seen!.rows)]).toEqual([1764000000123, KEYS.length])
    })

    test('that are different are noticed, whatever the difference is', async () => {
      await fill(source)
      const moveId = await startFilling(target)
      const copied = await copyTables(source, target, { moveId })
      const differing = async () => {
        const arrived = await digestTables(target)
        return [...copied].filter(([name, { rows, sum }]) => {
          const found = arrived.get(name)!
          return found.rows !== rows || found.sum !== sum
        })
      }
      const changes = {
        api_key_analytics: `update api_key_analytics set duration_us = 2 where api_key_id = '${KEYS[0]}'`,
        api_key_analytics_keys: `update api_key_analytics_keys set name = 'x' where id = '${KEYS[3]}' and name is null`,
        api_key_analytics_gaps: `delete from api_key_analytics_gaps where instance = '${KEYS[0]}'`,
      }
      for (const [index, [table, sql]] of Object.entries(changes).entries()) {
        await target.query(sql)
        const found = (await differing()).map(([name]) => name)
        expect({ count: found.length, has: found.includes(table) }).toEqual({ count: index + 1, has: true })
      }
    })

    test('are deleted before another run copies them again', async () => {
      await fill(source)
      const moveId = await startFilling(target)
      await copyTables(source, target, { moveId })
      await emptyTarget(target, moveId)
      expect([...(await readAll(target)).values()].flat()).toEqual([])
      await copyTables(source, target, { moveId })
      expect(sorted(await readAll(target))).toEqual(sorted(await readAll(source)))
    })

    test('come from one run only: an earlier one fails with its next page', async () => {
      await fill(source)
      const moveId = await startFilling(target)
      await copyTables(source, target, { moveId })
      await startFilling(target)
      await expect(emptyTarget(target, moveId)).rejects.toMatchObject({ code: 'DATABASE_CHANGED' })
      await expect(copyTables(source, target, { moveId })).rejects.toMatchObject({ code: 'DATABASE_CHANGED' })
    })
  },
  { toOther: true },
)
