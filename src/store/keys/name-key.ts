import { AnalyticsError } from '../../model/errors.ts'
import { isReservedKey } from '../../model/key.ts'
import type { Statements } from '../database/dialect.ts'
import { readOwners, writeOwners } from './key-owners.ts'
import { lockKey } from '../remove/lock-key.ts'
import type { Database } from '../database/open-database.ts'
import { setOwner } from './owner-periods.ts'
import type { OwnerPeriods } from './owner-periods.ts'
import { requireTime } from '../read/usage-filter.ts'
import { HOUR_MS } from '../../time/units.ts'
import { takeTurn } from '../write/take-turn.ts'

/** The same limit as for names and owners from the app. */
const MAX_LENGTH = 200

const SET_NAME = (dialect: Database['dialect']) => `
update api_key_analytics_keys
set name = $2, name_set_by = $3, name_said_at = ${dialect.timeOf('$4')}
where id = $1`

/** What a person sets on a key. Absent leaves it unchanged, null gives it back to the app. */
export interface KeyNames {
  readonly name?: string | null | undefined
  readonly owner?: string | null | undefined
  /**
   * The time for which `owner` is valid. Without `from` and `until`: all time if the key never had an owner, else from
   * the open hour on. With `until` only: from the beginning.
   */
  readonly from?: Date | undefined
  readonly until?: Date | undefined
}

/**
 * Sets a key's name, owner, or both. The app cannot replace them. Null removes one; then the app's next value counts
 * again.
 * @throws ARGUMENT_INVALID for a text that cannot be stored, a time in the future or a reserved key, WRONG_USAGE for an
 * unknown key
 */
export async function nameKey(
  db: Database,
  id: string,
  { name, owner, from, until }: KeyNames,
  now = Date.now(),
): Promise<void> {
  if (isReservedKey(id) && (name ?? owner ?? null) !== null) {
    throw new AnalyticsError(
      'ARGUMENT_INVALID',
      '(other) and (rejected) stand for many keys and cannot have a name or an owner.',
    )
  }
  if (name !== undefined) requireText('name', name)
  if (owner !== undefined) requireText('owner', owner)
  if (owner === undefined && (from ?? until)) {
    throw new AnalyticsError('ARGUMENT_INVALID', 'A period needs an owner who had the key in it.')
  }
  const span = { from: from && requireTime(from), until: until && requireTime(until) }
  requireSpan(span, now)
  await db.transaction(async (tx) => {
    if (owner !== undefined) await takeTurn(tx, db)
    if (!(await lockKey(tx, db.dialect, id))) {
      throw new AnalyticsError('WRONG_USAGE', `There is no key ${id} in ${db.databaseLabel}.`)
    }
    if (name !== undefined) {
      await tx.query(SET_NAME(db.dialect), [id, name, setterOf(name), name === null ? null : now])
    }
    if (owner !== undefined) await changeOwner(tx, db, id, { ...span, owner, now })
  })
}

/** Epoch milliseconds. */
interface Span {
  readonly from: number | undefined
  readonly until: number | undefined
}

async function changeOwner(
  tx: Statements,
  { dialect }: Database,
  id: string,
  { owner, from, until, now }: Span & { owner: string | null; now: number },
): Promise<void> {
  const periods = (await readOwners(tx, dialect, [id])).get(id)!
  const since = from ?? (until === undefined ? startOfOwnership(periods, now) : 0)
  const given = { owner, setBy: setterOf(owner), saidAt: owner === null ? null : now }
  const changed = setOwner(periods, { since, until: until ?? Infinity, ...given })
  await writeOwners(tx, dialect, new Map([[id, changed]]))
}

/** The start of an owner that was given without a time. */
function startOfOwnership(periods: OwnerPeriods, now: number): number {
  return periods.every(({ owner }) => owner === null) ? 0 : Math.floor(now / HOUR_MS) * HOUR_MS
}

function setterOf(text: string | null): 'app' | 'person' {
  return text === null ? 'app' : 'person'
}

function requireSpan({ from = 0, until }: Span, now: number): void {
  if (from > now || (until ?? 0) > now) {
    throw new AnalyticsError('ARGUMENT_INVALID', 'The owner of a key can change now or in the past only.')
  }
  if (from < 0 || (until !== undefined && until <= from)) {
    throw new AnalyticsError('ARGUMENT_INVALID', 'The period of the owner is empty.')
  }
}

/** @throws ARGUMENT_INVALID for a name or an owner that cannot be stored */
export function requireText(column: string, text: string | null): void {
  if (text === null || (text !== '' && text.length <= MAX_LENGTH && !text.includes('\0'))) return
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    `A ${column} needs 1 to ${MAX_LENGTH} characters, without NUL.`,
  )
}
