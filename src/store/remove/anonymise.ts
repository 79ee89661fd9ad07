import { randomBytes } from 'node:crypto'
import { lockStatements } from '../billing/lock-statements.ts'
import { redactAccounts } from '../billing/redact-accounts.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { findKeysOfOwner } from '../read/find-keys.ts'
import { spansOfOwner } from './forget-owner.ts'
import type { Forgotten } from './forget-owner.ts'
import { readOwners, writeOwners } from '../keys/key-owners.ts'
import { lockKey } from './lock-key.ts'
import { logRemoval } from './log-removal.ts'
import type { Database } from '../database/open-database.ts'
import { removeTraces, removeTracesWithoutKeys } from './remove-traces.ts'
import { replaceOwner } from '../keys/owner-periods.ts'
import type { OwnerPeriods } from '../keys/owner-periods.ts'
import { runBoundedWrite } from '../database/run-bounded-write.ts'
import { takeTurn } from '../write/take-turn.ts'

/** What to anonymise: a key with all its owners, or an owner. */
export type Anonymised = { readonly keyId: string } | { readonly owner: string }

/** What remains: keys, rows and requests, and the random name that replaces the owner in reports. */
export type Anonymous = Forgotten & { readonly pseudonym: string }

const SUM = (dialect: Dialect, until: number) => `
select count(*) as rows, coalesce(sum(request_count), 0) as requests
from api_key_analytics
where api_key_id = $1 and bucket >= ${dialect.timeOf('$2')}
  ${until < Infinity ? `and bucket < ${dialect.timeOf(String(until))}` : ''}`

/** The label becomes the start of the id, as for a short secret. */
const BLANK_NAMES = (dialect: Dialect) => `
update api_key_analytics_keys
set name = null, name_set_by = 'app', name_said_at = ${dialect.timeOf('$2')},
  label = 'key-' || substr(cast(id as text), 1, 8)
where id = $1`

/**
 * Keeps all counts and removes who they belong to: name and label of the keys, and the owner. A random name replaces
 * the owner, so that sums by owner stay as they were billed. The removal is logged. When a key is still in use, what
 * the app gives is valid from then on, never for the time before.
 */
export async function anonymise(db: Database, whose: Anonymised, now = Date.now()): Promise<Anonymous> {
  const pseudonym = `(anonymous ${randomBytes(4).toString('hex')})`
  const ids = 'owner' in whose ? await findKeysOfOwner(db, whose.owner) : [whose.keyId]
  const total = { keys: 0, rows: 0, requests: 0 }
  for (const id of ids) {
    const kept = await runBoundedWrite(db, (tx) => anonymiseKey(tx, db, id, { ...whose, pseudonym, now }))
    if (!kept) continue
    total.keys += 1
    total.rows += kept.rows
    total.requests += kept.requests
  }
  if ('owner' in whose) {
    await runBoundedWrite(db, async (tx) => {
      await lockStatements(tx, db, 'close')
      await redactAccounts(tx, db.dialect, whose)
      // its name is gone, and what the app gives later is a new owner
      await removeTraces(tx, whose)
    })
  }
  return { ...total, pseudonym }
}

async function anonymiseKey(
  tx: Statements,
  db: Database,
  id: string,
  order: { readonly owner?: string; readonly pseudonym: string; readonly now: number },
): Promise<{ rows: number; requests: number } | undefined> {
  const { dialect } = db
  await lockStatements(tx, db, 'close')
  await takeTurn(tx, db)
  if (!(await lockKey(tx, dialect, id))) return undefined
  const periods = (await readOwners(tx, dialect, [id])).get(id)!
  const isTheirs = (owner: string | null) => order.owner === undefined || owner === order.owner
  const keep = periods.flatMap(({ owner }) => (isTheirs(owner) ? [] : (owner ?? [])))
  const theirs = order.owner === undefined ? {} : { during: spansOfOwner(periods, order.owner), keep }
  await redactAccounts(tx, dialect, { keyId: id, ...theirs })
  // the name belongs to the present owner
  if (isTheirs(periods.at(-1)!.owner)) await tx.query(BLANK_NAMES(dialect), [id, order.now])
  const kept = await sumPeriods(tx, dialect, id, periods, order.owner)
  const anonymous = { owner: order.pseudonym, setBy: 'app' as const, saidAt: order.now }
  const changed = replaceOwner(periods, order.owner, anonymous)
  await writeOwners(tx, dialect, new Map([[id, changed]]))
  await removeTracesWithoutKeys(
    tx,
    periods.map(({ owner }) => owner),
  )
  await logRemoval(tx, dialect, undefined, { action: 'anonymise', before: null, keyId: id, ...kept })
  return kept
}

async function sumPeriods(
  tx: Statements,
  dialect: Dialect,
  id: string,
  periods: OwnerPeriods,
  owner: string | undefined,
): Promise<{ rows: number; requests: number }> {
  const total = { rows: 0, requests: 0 }
  const spans = owner === undefined ? [{ since: 0, until: Infinity }] : spansOfOwner(periods, owner)
  for (const { since, until } of spans) {
    const [sum] = await tx.query<{ rows: string; requests: string }>(SUM(dialect, until), [id, since])
    total.rows += Number(sum?.rows)
    total.requests += Number(sum?.requests)
  }
  return total
}
