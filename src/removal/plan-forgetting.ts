import { formatInstant } from '../time/calendar.ts'
import { AnalyticsError } from '../model/errors.ts'
import { countOf } from '../terminal/format-number.ts'
import { nameOfKey } from '../report/usage/group-names.ts'
import { hasAlertsOf } from '../store/alerts/remove-alerts.ts'
import { isOnStatement } from '../store/billing/redact-accounts.ts'
import { anonymise } from '../store/remove/anonymise.ts'
import type { Anonymous } from '../store/remove/anonymise.ts'
import { findKeysOfOwner } from '../store/read/find-keys.ts'
import { findUsage } from '../store/read/find-usage.ts'
import { forgetKey } from '../store/remove/forget-key.ts'
import { forgetOwner } from '../store/remove/forget-owner.ts'
import type { Forgotten } from '../store/remove/forget-owner.ts'
import type { Database } from '../store/database/open-database.ts'
import { isReservedKey } from '../model/key.ts'
import type { KeyRecord } from '../model/key.ts'
import type { UsageRow } from '../model/usage-row.ts'
import { requireKnownNames } from '../report/question/find-filter.ts'
import { findKey } from '../report/question/find-key.ts'
import type { SecretInput } from '../report/question/find-key.ts'

/** The flags of `keys forget`. */
export interface ForgetOrder {
  readonly key?: string | undefined
  readonly owner?: string | undefined
  readonly anonymise: boolean
}

/** What would be forgotten, and the function that does it. */
export interface ForgetPlan {
  /** For `--json`: the key or owner. */
  readonly subject: { readonly key: KeyRecord } | { readonly owner: string }
  readonly text: string
  run(): Promise<{ text: string; forgotten: object }>
}

/** Finds what to forget. @throws WRONG_USAGE */
export async function planForgetting(
  db: Database,
  order: ForgetOrder,
  secretInput: SecretInput,
): Promise<ForgetPlan> {
  if ((order.key === undefined) === (order.owner === undefined)) {
    throw new AnalyticsError('WRONG_USAGE', 'Name either a key, or a customer with --owner.')
  }
  return order.key === undefined
    ? planOwner(db, order.owner!, order.anonymise)
    : planKey(db, await findKey(db, order.key, secretInput), order.anonymise)
}

async function planKey(db: Database, key: KeyRecord, anonymous: boolean): Promise<ForgetPlan> {
  if (anonymous && isReservedKey(key.id)) {
    throw new AnalyticsError('WRONG_USAGE', `${key.label} stands for many keys and has no names to remove.`)
  }
  const usage = await findUsage(db, { keyIds: [key.id], links: false })
  return {
    subject: { key },
    text: describeUsage(`${nameOfKey(key)} (id ${key.id})`, usage),
    async run() {
      if (anonymous) return describeAnonymous(nameOfKey(key), await anonymise(db, { keyId: key.id }))
      const forgotten = await forgetKey(db, key.id)
      return { text: describeForgotten(nameOfKey(key), forgotten), forgotten }
    },
  }
}

async function planOwner(db: Database, owner: string, anonymous: boolean): Promise<ForgetPlan> {
  const [keys, usage] = [await findKeysOfOwner(db, owner), await findUsage(db, { owner })]
  // all rows of a former customer may be pruned, while statements and alerts still have the name
  const isNamed = keys.length > 0 || (await isOnStatement(db, owner)) || (await hasAlertsOf(db, owner))
  if (!isNamed) await requireKnownNames(db, { owner })
  const count = countOf(keys.length, 'key')
  return {
    subject: { owner },
    text: describeUsage(`${owner}, with ${count},`, usage),
    async run() {
      if (anonymous) return describeAnonymous(owner, await anonymise(db, { owner }))
      const forgotten = await forgetOwner(db, owner)
      return { text: describeForgotten(owner, forgotten), forgotten }
    },
  }
}

function describeUsage(who: string, [usage]: readonly UsageRow[]): string {
  if (!usage) return `${who} has no requests.`
  const [from, to] = [usage.firstBucket, usage.lastBucket].map((time) => formatInstant(time, 'UTC'))
  return `${who} has ${countOf(usage.requestCount, 'request')} from ${from} to ${to} (UTC).`
}

function describeForgotten(who: string, { rows, requests }: Omit<Forgotten, 'keys'>): string {
  return `Forgot ${who}: ${countOf(rows, 'row')} with ${countOf(requests, 'request')}.\n`
}

function describeAnonymous(who: string, forgotten: Anonymous): { text: string; forgotten: object } {
  const { rows, requests, pseudonym } = forgotten
  const text = `Anonymised ${who}: ${countOf(rows, 'row')} with ${countOf(requests, 'request')} stay, of ${pseudonym}.\n`
  return { text, forgotten }
}
