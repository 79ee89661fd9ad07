import { readClosedPeriods } from '../../store/billing/closed-periods.ts'
import type { Database } from '../../store/database/open-database.ts'
import type { Period } from '../../time/period.ts'

/** Notes for invoice lines whether their period was closed: what was billed of a closed one is in its statement. */
export async function noteClosing(db: Database, { since, until, month, now }: Period): Promise<string[]> {
  if (!since || !until) return []
  const name = month ?? 'The period'
  const closed = await readClosedPeriods(db, db.dialect)
  const within = closed.filter((one) => one.since < until.getTime() && one.until > since.getTime())
  const [only] = within
  // of a period that is not over the report says so already
  if (!only) return until <= now ? [`${name} is open: "apikey-analytics close" bills it.`] : []
  const numbers = within.map(({ number }) => number).join(', ')
  return only.since === since.getTime() && only.until === until.getTime()
    ? [
        `${name} is closed: what was billed is in statement ${numbers} ("apikey-analytics statements show ${numbers}").`,
      ]
    : [`A part of ${name} is closed: see ${within.length === 1 ? 'statement' : 'statements'} ${numbers}.`]
}
