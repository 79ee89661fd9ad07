import { readClosedPeriods } from '../store/billing/closed-periods.ts'
import type { Database } from '../store/database/open-database.ts'
import type { Period } from '../time/period.ts'

/**
 * Notes for invoice lines whether their period was closed: what was billed of a closed one is in its statement. No note
 * where nothing was ever closed.
 */
export async function noteClosing(db: Database, { since, until, month, now }: Period): Promise<string[]> {
  if (!since || !until || until > now) return []
  const closed = await readClosedPeriods(db, db.dialect)
  if (closed.length === 0) return []
  const within = closed.filter((one) => one.since < until.getTime() && one.until > since.getTime())
  const [only] = within
  if (!only) return [`${month ?? 'The period'} is not closed: "apikey-analytics close" writes its statement.`]
  const numbers = within.map(({ number }) => number).join(', ')
  return only.since === since.getTime() && only.until === until.getTime()
    ? [
        `${month ?? 'The period'} is closed: what was billed is in statement ${numbers} ("apikey-analytics statements show ${numbers}").`,
      ]
    : [`A part of ${month ?? 'the period'} is closed: see the statements ${numbers}.`]
}
