import { setTimeout as sleep } from 'node:timers/promises'
import { faultPoint } from '../../model/fault-point.ts'
import type { Database } from '../database/open-database.ts'
import { requireFilling } from './change-state.ts'
import { listTables } from './list-tables.ts'
import type { CopiedTable } from './list-tables.ts'
import { DigestedRows } from './table-digest.ts'
import type { TableDigest } from './table-digest.ts'
import { readTableRows, writeRows } from './table-rows.ts'

/** How a copy is watched and stopped. */
export interface CopyOptions {
  /** The run of `move` that may fill the target. */
  readonly moveId: string
  /** Called after each page with the rows read so far. */
  readonly onProgress?: (rows: number) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * Checks that a role may read everything, before anything is changed for a move.
 * @throws DATABASE_REFUSED
 */
export async function requireReadable(db: Database): Promise<void> {
  for (const { name } of listTables(db)) await db.query(`select 1 from ${name} limit 1`)
}

/** Counts the rows of each table. */
export async function countRows(db: Database): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { name } of listTables(db)) {
    const [found] = await db.query<{ rows: string | number }>(`select count(*) as rows from ${name}`)
    counts.set(name, Number(found!.rows))
  }
  return counts
}

/** Deletes what an earlier run, or an earlier life, left in a target. */
export async function emptyTarget(target: Database, moveId: string): Promise<void> {
  const statements = target.dialect.empty(listTables(target).map(({ name }) => name))
  await target.transaction(async (tx) => {
    await requireFilling(tx, target, moveId)
    for (const sql of statements) await tx.query(sql)
  }, 'fill')
}

/**
 * Copies all rows of a frozen source into an empty target, page by page, each in a transaction of its own.
 * @returns the digest of each table as it was read
 */
export async function copyTables(
  source: Database,
  target: Database,
  { moveId, onProgress, signal }: CopyOptions,
): Promise<Map<string, TableDigest>> {
  const digests = new Map<string, TableDigest>()
  const targetTables = new Map(listTables(target).map((table) => [table.name, table]))
  let rows = 0
  for (const table of listTables(source)) {
    const digest = new DigestedRows()
    const into = columnsLike(table, targetTables.get(table.name)!)
    const { numbered } = table
    for await (const page of readTableRows(source, table)) {
      signal?.throwIfAborted()
      await target.transaction(async (tx) => {
        await requireFilling(tx, target, moveId)
        await writeRows(tx, target, into, page)
      }, 'fill')
      digest.add(page)
      onProgress?.((rows += page.length))
      faultPoint('page copied')
      // both drivers of SQLite block their thread: Ctrl-C must still arrive
      await sleep()
    }
    const continueNumbers = numbered && target.dialect.continueNumbers(table.name, numbered)
    if (continueNumbers) await target.query(continueNumbers)
    digests.set(table.name, digest)
  }
  return digests
}

/** Reads all rows of a database, to compare them with what another one has. */
export async function digestTables(
  db: Database,
  { onProgress, signal }: Pick<CopyOptions, 'onProgress' | 'signal'> = {},
): Promise<Map<string, TableDigest>> {
  const digests = new Map<string, TableDigest>()
  let rows = 0
  for (const table of listTables(db)) {
    const digest = new DigestedRows()
    for await (const page of readTableRows(db, table)) {
      signal?.throwIfAborted()
      digest.add(page)
      onProgress?.((rows += page.length))
      await sleep()
    }
    digests.set(table.name, digest)
  }
  return digests
}

/** The target's table with its columns in the order of the source. */
function columnsLike({ columns }: CopiedTable, table: CopiedTable): CopiedTable {
  const types = new Map(table.columns.map(({ name, type }) => [name, type]))
  return { ...table, columns: columns.map(({ name }) => ({ name, type: types.get(name)! })) }
}
