import type {
  Customer,
  CustomerAnswer,
  CustomerFigures,
  CustomerGroup,
  CustomerQuestion,
  CustomerQuota,
  CustomerStatement,
  CustomerStep,
} from '../model/customer-usage.ts'
import { REQUESTS_UNIT } from '../model/unit.ts'
import { findCustomerStatements } from '../store/billing/find-customer-statements.ts'
import type { Database } from '../store/database/open-database.ts'
import { findCountingQuotas } from '../store/quotas/find-counting-quotas.ts'
import { findCustomerUsage, quotaSubjectOf } from '../store/read/find-customer-usage.ts'
import type { CustomerRow, FoundUsage } from '../store/read/find-customer-usage.ts'
import { RecentMap } from '../model/recent-map.ts'
import { stepsBetween } from '../time/calendar.ts'
import { presentPeriod } from '../time/present-period.ts'

/** Most groups in an answer: a browser can draw them, and most of ten thousand keys are of no interest. */
const MOST_GROUPS = 1000
/** Customers whose statements are remembered. */
const MOST_CUSTOMERS = 1000

/** What the database says. */
export type ReadAnswer = Omit<CustomerAnswer, 'completeUntil'> & {
  /** Null when nothing was ever delivered. */
  readonly completeUntil: number | null
}

/** Makes a function that reads the usage of a customer. It remembers statements, which change only with the chain. */
export function createAnswerQuestion(
  open: () => Promise<Database>,
  now: () => number = Date.now,
): (question: CustomerQuestion) => Promise<ReadAnswer> {
  const known = new RecentMap<{ readonly state: string; readonly statements: CustomerStatement[] }>(
    MOST_CUSTOMERS,
  )

  async function recallStatements(
    db: Database,
    { customer }: CustomerQuestion,
    { lastEntry, lastBilled, keyIds }: FoundUsage,
  ): Promise<CustomerStatement[]> {
    if (lastEntry === 0) return []
    // those of a key without an owner change with its owners too
    if (customer.owner === null) return findCustomerStatements(db, customer, keyIds)
    const name = JSON.stringify([customer.scope, keyIds, customer.owner])
    const before = known.get(name)
    const state = `${lastEntry} ${lastBilled}`
    if (before?.state === state) return before.statements
    const statements = await findCustomerStatements(db, customer, keyIds)
    known.set(name, { state, statements })
    return statements
  }

  return async (question) => {
    const db = await open()
    const found = await findCustomerUsage(db, question)
    const { rows, hasQuotas, completeUntil } = found
    const rest = {
      quotas: hasQuotas ? await measureCustomerQuotas(db, question.customer, now()) : [],
      statements: await recallStatements(db, question, found),
      completeUntil,
    }
    if (question.by !== undefined) return { total: sumUp(rows), groups: group(rows, question.by), ...rest }
    const ofTimes = rows.filter(({ time }) => time !== undefined)
    const ofOperations = rows.filter(({ method }) => method !== undefined)
    return {
      total: sumUp(ofTimes),
      steps: toSteps(ofTimes, question, now()),
      endpoints: group(ofOperations, 'endpoint'),
      ...rest,
    }
  }
}

/**
 * The quotas of a customer. Not what `quotaOf` has of a key that changed its owner in the period: that is the use of
 * both.
 */
async function measureCustomerQuotas(
  db: Database,
  customer: Customer,
  now: number,
): Promise<CustomerQuota[]> {
  const subject = quotaSubjectOf(customer)
  const filter = 'owner' in subject ? { owners: [subject.owner] } : { keyIds: [subject.keyId] }
  const measured: CustomerQuota[] = []
  const { quotas } = await findCountingQuotas(db, db.dialect, filter)
  for (const quota of quotas) {
    const { unit, per, timeZone, limit } = quota
    const { since, until } = presentPeriod(quota, now)
    const period = { since: since.getTime(), until: until.getTime(), timeZone }
    const { rows } = await findCustomerUsage(db, { customer, ...period, by: 'status' })
    const used = rows.reduce((sum, row) => (row.unit === unit ? sum + row.quantity : sum), 0n)
    const remaining = used < limit ? limit - used : 0n
    measured.push({ unit, per, timeZone, limit, used, remaining, startedAt: since, resetsAt: until })
  }
  return measured
}

/** Days without usage are steps too. */
function toSteps(
  rows: readonly CustomerRow[],
  { since, until, timeZone }: CustomerQuestion,
  now: number,
): CustomerStep[] {
  const byDay = Map.groupBy(rows, ({ time }) => time!.getTime())
  const end = new Date(Math.max(Math.min(until, now), since + 1))
  return stepsBetween('day', new Date(since), end, timeZone).map((start) => {
    const ofDay = byDay.get(start.getTime()) ?? []
    const statuses = [1, 2, 3, 4, 5].map((statusClass) =>
      countRequests(ofDay, ({ status }) => Math.floor(status / 100) === statusClass),
    )
    return Object.assign({ start, statuses }, sumUp(ofDay))
  })
}

/** The groups of a dimension: in the order of time, or most used first. */
function group(rows: readonly CustomerRow[], by: NonNullable<CustomerQuestion['by']>): CustomerGroup[] {
  const groups = [...Map.groupBy(rows, (row) => JSON.stringify(NAMES[by](row))).values()].map((some) =>
    Object.assign(NAMES[by](some[0]!), sumUp(some)),
  )
  if (by === 'hour' || by === 'day' || by === 'week') {
    return groups.sort((a, b) => a[by]!.getTime() - b[by]!.getTime())
  }
  const textOf = (one: CustomerGroup) => JSON.stringify([one.key?.id, one.endpoint, one.method, one.status])
  return groups
    .sort((a, b) => b.requests - a.requests || (textOf(a) < textOf(b) ? -1 : 1))
    .slice(0, MOST_GROUPS)
}

type GroupName = Pick<CustomerGroup, 'key' | 'endpoint' | 'method' | 'status' | 'hour' | 'day' | 'week'>

const NAMES: Record<NonNullable<CustomerQuestion['by']>, (row: CustomerRow) => GroupName> = {
  key: ({ key }) => ({ key: key! }),
  endpoint: ({ method, endpoint }) => ({ method: method!, endpoint: endpoint! }),
  method: ({ method }) => ({ method: method! }),
  status: ({ status }) => ({ status }),
  hour: ({ time }) => ({ hour: time! }),
  day: ({ time }) => ({ day: time! }),
  week: ({ time }) => ({ week: time! }),
}

function sumUp(rows: readonly CustomerRow[]): CustomerFigures {
  const units = new Map<string, bigint>()
  for (const { unit, quantity } of rows) {
    if (unit !== REQUESTS_UNIT) units.set(unit, (units.get(unit) ?? 0n) + quantity)
  }
  return {
    requests: countRequests(rows, () => true),
    clientErrors: countRequests(rows, ({ status }) => status >= 400 && status < 500),
    serverErrors: countRequests(rows, ({ status }) => status >= 500),
    rejected: countRequests(rows, ({ status }) => status === 401 || status === 403),
    units: Object.fromEntries([...units].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

function countRequests(rows: readonly CustomerRow[], isCounted: (row: CustomerRow) => boolean): number {
  let sum = 0
  for (const row of rows) if (row.unit === REQUESTS_UNIT && isCounted(row)) sum += row.requestCount
  return sum
}
