import { AnalyticsError } from '../../model/errors.ts'
import type { Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { readMeta } from '../database/read-meta.ts'
import type { MetaRow } from '../database/read-meta.ts'
import type { DatabaseState } from '../database/require-active.ts'
import { listMetaColumns, listTables } from './list-tables.ts'

/** One run of `move`: its id, and what it read of a database when it began. */
export interface MoveRun {
  readonly moveId: string
  readonly expected: MetaRow
}

/**
 * Makes a run the only one that may fill a database: what an earlier run still writes fails from now on.
 * @throws DATABASE_CHANGED when somebody else changed its state meanwhile; DATABASE_REFUSED when it has rows of its own
 */
export async function claimTarget(
  target: Database,
  source: { readonly databaseId: string; readonly databaseLabel: string },
  { moveId, expected }: MoveRun,
): Promise<void> {
  await target.transaction(async (tx) => {
    await requireUnchanged(tx, target, expected)
    if (expected.state === 'active') await requireEmpty(tx, target)
    await writeState(tx, target, { state: 'arriving', other: source.databaseLabel, moveId })
    await tx.query('update api_key_analytics_meta set database_id = $1 where id = 1', [source.databaseId])
  }, 'switch')
}

/**
 * Stops all writes to a database: waits for those that are under way, and no later one begins.
 * @throws DATABASE_CHANGED when somebody else changed its state meanwhile
 */
export async function freezeSource(
  source: Database,
  targetLabel: string,
  { moveId, expected }: MoveRun,
): Promise<void> {
  await source.transaction(async (tx) => {
    await requireUnchanged(tx, source, expected)
    await writeState(tx, source, { state: 'leaving', other: targetLabel, moveId })
  }, 'switch')
}

/**
 * Makes a filled database the active one, with what the source knows about itself.
 * @throws DATABASE_CHANGED when another run fills it now, or the move was cancelled
 */
export async function activateTarget(target: Database, source: Database, moveId: string): Promise<void> {
  await requireState(source, source, { state: 'leaving', moveId })
  const facts = await readFactsAsText(source)
  await target.transaction(async (tx) => {
    await requireFilling(tx, target, moveId)
    await writeFacts(tx, target, facts)
    await writeState(tx, target, { state: 'active', other: source.databaseLabel, moveId })
  }, 'switch')
}

/** Notes in the source that its target is active. */
export async function finishSource(source: Database, targetLabel: string, moveId: string): Promise<void> {
  await source.transaction(async (tx) => {
    await requireState(tx, source, { state: 'leaving', moveId })
    await writeState(tx, source, { state: 'moved', other: targetLabel, moveId })
  }, 'switch')
}

/**
 * Makes sure that no run of `move` can make a target active any more.
 * @throws DATABASE_CHANGED when somebody else changed its state meanwhile
 */
export async function abandonTarget(target: Database, expected: MetaRow): Promise<void> {
  await target.transaction(async (tx) => {
    await requireUnchanged(tx, target, expected)
    const { state, other_database: other } = expected
    await writeState(tx, target, { state, other, moveId: null })
  }, 'switch')
}

/**
 * Makes a source active again.
 * @throws DATABASE_CHANGED when somebody else changed its state meanwhile
 */
export async function releaseSource(source: Database, expected: MetaRow): Promise<void> {
  await source.transaction(async (tx) => {
    await requireUnchanged(tx, source, expected)
    await writeState(tx, source, { state: 'active', other: null, moveId: null })
  }, 'switch')
}

/** @throws DATABASE_CHANGED unless a run may fill the database */
export function requireFilling(tx: Statements, target: Database, moveId: string): Promise<void> {
  return requireState(tx, target, { state: 'arriving', moveId })
}

async function requireState(
  tx: Statements,
  db: Database,
  wanted: { readonly state: DatabaseState; readonly moveId: string },
): Promise<void> {
  const { state, move_id: moveId } = await readMeta({ ...db, ...tx })
  if (state !== wanted.state || moveId !== wanted.moveId) throw changed(db)
}

async function requireUnchanged(tx: Statements, db: Database, expected: MetaRow): Promise<void> {
  const { database_id: id, state, move_id: moveId } = await readMeta({ ...db, ...tx })
  const isSame = id === expected.database_id && state === expected.state && moveId === expected.move_id
  if (!isSame) throw changed(db)
}

function changed({ databaseLabel }: Database): AnalyticsError {
  return new AnalyticsError(
    'DATABASE_CHANGED',
    `Another run of "apikey-analytics move" changed ${databaseLabel}, or cancelled this one. Make sure that only one runs, then run it again.`,
  )
}

async function requireEmpty(tx: Statements, target: Database): Promise<void> {
  for (const { name } of listTables(target)) {
    if ((await tx.query(`select 1 from ${name} limit 1`)).length === 0) continue
    throw new AnalyticsError(
      'DATABASE_REFUSED',
      `${target.databaseLabel} has rows of its own (${name}). Two databases cannot be merged: name one without rows, or delete these with "apikey-analytics migrate --down".`,
    )
  }
}

async function writeState(
  tx: Statements,
  { dialect }: Database,
  { state, other, moveId }: { state: DatabaseState; other: string | null; moveId: string | null },
): Promise<void> {
  await tx.query(
    `update api_key_analytics_meta
set state = $1, other_database = $2, move_id = $3, state_since = ${dialect.timeOf('$4')}
where id = 1`,
    [state, other, moveId, Date.now()],
  )
}

/** Columns about the move, which are different on both sides. */
const NOT_COPIED: ReadonlySet<string> = new Set(['id', 'state', 'state_since', 'other_database', 'move_id'])

const listFacts = (db: Database) => listMetaColumns(db).filter(({ name }) => !NOT_COPIED.has(name))

async function readFactsAsText(db: Database): Promise<(string | null)[]> {
  const facts = listFacts(db)
  const columns = facts.map(({ name, type }, index) => `${db.dialect.textOf(name, type)} as c${index}`)
  const [row] = await db.query<Record<string, string | null>>(
    `select ${columns.join(', ')} from api_key_analytics_meta where id = 1`,
  )
  return facts.map((_, index) => row![`c${index}`]!)
}

async function writeFacts(tx: Statements, db: Database, values: readonly (string | null)[]): Promise<void> {
  const columns = listFacts(db).map(
    ({ name, type }, index) => `${name} = ${db.dialect.valueOf(`cast($${index + 1} as text)`, type)}`,
  )
  await tx.query(`update api_key_analytics_meta set ${columns.join(', ')} where id = 1`, values)
}
