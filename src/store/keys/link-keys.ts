import { AnalyticsError } from '../../model/errors.ts'
import { isReservedKey } from '../../model/key.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { inLinesOf, lockLinks } from './key-lines.ts'
import { placeholders } from '../database/placeholders.ts'

const INSERT = (given: string) => `
insert into api_key_analytics_links (api_key_id, continues, line)
select key_id, continues, line
from ${given}
where true
order by n`

/** Its ids are parameters of every statement about the line. Keys of one customer in such numbers need an owner. */
const MOST_KEYS_OF_LINE = 1000

const LINK_COLUMNS = { key_id: 'uuid', continues: 'uuid', line: 'uuid' }

/** What each key of some lines continues; null for a first key. */
type Continued = Map<string, string | null>

/** A key as far as links need it. */
interface LinkedKey {
  readonly id: string
  readonly name: string
  readonly owner: string | null
  readonly firstSeen: number
}

/**
 * Notes that a key continues an older one. No row of usage changes: reads add the keys of a line up.
 * @returns false when it was linked to that key before
 * @throws ARGUMENT_INVALID
 */
export async function linkKey(
  db: Database,
  id: string,
  { continues: older, acrossOwners = false }: { continues: string; acrossOwners?: boolean | undefined },
): Promise<boolean> {
  if (id === older) refuse('A key cannot continue itself.')
  if (isReservedKey(id) || isReservedKey(older))
    refuse('(other) and (rejected) stand for many keys and cannot be linked.')
  return db.transaction(async (tx) => {
    await lockLinks(tx, db)
    const linked = await readContinued(tx, [id, older])
    const keys = await readKeys(tx, db.dialect, [...new Set([...linked.keys(), id, older])])
    const key = requireKey(db, keys, id)
    const olderKey = requireKey(db, keys, older)
    const present = linked.get(id)
    if (present === older) return false
    if (present) {
      refuse(
        `${key.name} continues ${keys.get(present)!.name} already. Run "apikey-analytics keys unlink ${id}" first.`,
      )
    }
    // a key that continues none is the first of its line
    if (lineOf(linked, id).includes(older)) {
      refuse(
        `${olderKey.name} continues ${key.name} already, itself or through other keys: this would be a loop.`,
      )
    }
    if (!acrossOwners) requireOneOwner(keys, [lineOf(linked, id), lineOf(linked, older)])
    linked.set(id, older)
    if (!linked.has(older)) linked.set(older, null)
    if (linked.size > MOST_KEYS_OF_LINE) {
      refuse(
        `A line has at most ${MOST_KEYS_OF_LINE} keys. Give keys of one customer an owner: "apikey-analytics keys name".`,
      )
    }
    await replaceLinks(tx, db.dialect, linked, keys)
    return true
  })
}

/**
 * Ends the link of a key to the key that it continues. Keys that continue it stay with it.
 * @returns the id of the key that it continued; undefined when it had no link
 * @throws ARGUMENT_INVALID when only others continue it, or for an unknown key
 */
export async function unlinkKey(db: Database, id: string): Promise<string | undefined> {
  return db.transaction(async (tx) => {
    await lockLinks(tx, db)
    const linked = await readContinued(tx, [id])
    const keys = await readKeys(tx, db.dialect, [...new Set([...linked.keys(), id])])
    const { name } = requireKey(db, keys, id)
    const before = linked.get(id)
    if (before === undefined) return undefined
    if (before === null) {
      const next = childrenOf(linked, id).map((child) => keys.get(child)!.name)
      refuse(
        `${name} continues no key. It is continued by ${next.join(' and by ')}: unlink that key instead.`,
      )
    }
    linked.set(id, null)
    await replaceLinks(tx, db.dialect, linked, keys)
    return before
  })
}

/**
 * Takes a key that is forgotten out of its line: what continued it continues the key before it. When it was the first,
 * the one of them that was seen first takes its place. So the others stay one line. The transaction has `lockLinks`.
 */
export async function leaveLine(tx: Statements, { dialect }: Database, id: string): Promise<void> {
  const linked = await readContinued(tx, [id])
  if (linked.size === 0) return
  const keys = await readKeys(tx, dialect, [...linked.keys()])
  const children = childrenOf(linked, id).toSorted((a, b) => compareAge(keys.get(a)!, keys.get(b)!))
  const before = linked.get(id) ?? null
  const [first] = children
  for (const child of children) linked.set(child, before ?? (child === first ? null : first!))
  linked.delete(id)
  await tx.query('delete from api_key_analytics_links where api_key_id = $1', [id])
  await replaceLinks(tx, dialect, linked, keys)
}

async function readContinued(tx: Statements, keyIds: readonly string[]): Promise<Continued> {
  const rows = await tx.query<{ id: string; continues: string | null }>(
    `select api_key_id as id, continues from api_key_analytics_links where ${inLinesOf(keyIds)} order by api_key_id`,
    keyIds,
  )
  return new Map(rows.map(({ id, continues }) => [id, continues]))
}

async function readKeys(
  tx: Statements,
  dialect: Dialect,
  keyIds: readonly string[],
): Promise<Map<string, LinkedKey>> {
  const rows = await tx.query<Omit<LinkedKey, 'firstSeen'> & { readonly firstSeen: string | number }>(
    `select id, case when name is null or name = label then label else name || ' (' || label || ')' end as name,
  owner, ${dialect.millisecondsOf('first_seen_at')} as "firstSeen"
from api_key_analytics_keys
where id in (${placeholders(keyIds)})`,
    keyIds,
  )
  return new Map(rows.map((row) => [row.id, { ...row, firstSeen: Number(row.firstSeen) }]))
}

/** Replaces the rows of some keys, which are whole lines. A key that is alone gets no row. */
async function replaceLinks(
  tx: Statements,
  dialect: Dialect,
  linked: Continued,
  keys: ReadonlyMap<string, LinkedKey>,
): Promise<void> {
  const ids = [...linked.keys()]
  if (ids.length === 0) return
  const list = placeholders(ids)
  await tx.query(`delete from api_key_analytics_links where api_key_id in (${list})`, ids)
  const firsts = ids.filter((id) => linked.get(id) === null)
  const rows = firsts
    .map((first) => lineOf(linked, first))
    .filter((line) => line.length > 1)
    .flatMap((line) => {
      const newest = findNewest(line, linked, keys)
      return line.map((id) => [id, linked.get(id) ?? null, newest])
    })
  if (rows.length === 0) return
  const given = dialect.givenRows(LINK_COLUMNS, rows, 1)
  await tx.query(INSERT(given.sql), given.params)
}

/** Of the keys that no other continues, the one that was seen first last. */
function findNewest(
  line: readonly string[],
  linked: Continued,
  keys: ReadonlyMap<string, LinkedKey>,
): string {
  const continued = new Set(linked.values())
  const ends = line.filter((id) => !continued.has(id))
  return ends.toSorted((a, b) => compareAge(keys.get(a)!, keys.get(b)!)).at(-1)!
}

function compareAge(a: LinkedKey, b: LinkedKey): number {
  return a.firstSeen - b.firstSeen || (a.id < b.id ? -1 : 1)
}

function childrenOf(linked: Continued, id: string): string[] {
  return [...linked].flatMap(([key, continues]) => (continues === id ? [key] : []))
}

/** All keys of the line that a key is in. */
function lineOf(linked: Continued, id: string): string[] {
  let first = id
  for (let before = linked.get(first); before; before = linked.get(first)) first = before
  const line = [first]
  // grows while it is read
  for (const key of line) line.push(...childrenOf(linked, key))
  return line
}

/** @throws ARGUMENT_INVALID when this link would put keys of different owners into one line */
function requireOneOwner(keys: ReadonlyMap<string, LinkedKey>, lines: readonly (readonly string[])[]): void {
  const ownersOf = (line: readonly string[]) => new Set(line.flatMap((id) => keys.get(id)?.owner ?? []))
  const owners = lines.map(ownersOf)
  const together = ownersOf(lines.flat())
  if (together.size < 2 || owners.some(({ size }) => size === together.size)) return
  refuse(
    `The keys have different owners: ${[...together].join(' and ')}. Correct the owner with "apikey-analytics keys name", ` +
      'or pass --across-owners (from code: acrossOwners). Each owner keeps its own usage then, and reports by key add it up.',
  )
}

function requireKey(db: Database, keys: ReadonlyMap<string, LinkedKey>, id: string): LinkedKey {
  return keys.get(id) ?? refuse(`There is no key ${id} in ${db.databaseLabel}.`)
}

function refuse(message: string): never {
  throw new AnalyticsError('ARGUMENT_INVALID', message)
}
