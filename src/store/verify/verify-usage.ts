import { REQUESTS_UNIT } from '../../model/unit.ts'
import { readExact, sumExact } from '../database/exact-sum.ts'
import type { Database } from '../database/open-database.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { readGaps } from '../write/ledger-gaps.ts'
import type { Gap } from '../write/ledger-gaps.ts'
import { readSnapshot } from '../database/read-snapshot.ts'
import { balanceImports } from '../imports/balance-imports.ts'
import type { ImportAccount, StoredOfImport } from '../imports/balance-imports.ts'
import { verifyStatements } from './verify-statements.ts'
import type { BillingAccount } from './verify-statements.ts'

/** What one instance has delivered. */
export interface InstanceAccount {
  readonly instance: string
  /** The last of its batches that was applied. */
  readonly sequence: number
  readonly deliveredRequests: number
  /** Requests that it counted and that never arrived. */
  readonly missingRequests: number
  /** Their numbers, from 1 in the order in which it counted them, both ends included: `[{ from: 501, to: 1000 }]`. */
  readonly missing: readonly { readonly from: number; readonly to: number }[]
  readonly updatedAt: Date
}

/** The account of one unit. Sums are bigint: those of all time may be larger than a number can hold. */
export interface UnitAccount {
  readonly unit: string
  /** Quantity in the table. */
  readonly stored: bigint
  /** Pruned or forgotten on purpose. */
  readonly pruned: bigint
  /** In all applied batches. */
  readonly delivered: bigint
  /** Counted, and never arrived. */
  readonly missing: bigint
  readonly balanced: boolean
}

/** The accounts of a database, all of one moment. */
export interface VerifyResult {
  /** Counted requests in the table, without imported ones. */
  readonly storedRequests: number
  /** Requests that were pruned or forgotten on purpose. */
  readonly prunedRequests: number
  /** Requests of all applied batches. */
  readonly deliveredRequests: number
  readonly missingRequests: number
  /** Every unit that was ever delivered, removed or stored. */
  readonly units: readonly UnitAccount[]
  /** True when table and prunes add up to exactly what was delivered and imported, requests and each unit. */
  readonly balanced: boolean
  /** Rows whose histogram of durations does not sum up to their requests; only when asked for. */
  readonly wrongHistograms?: number
  /** What every import brought and where it is; balanced apart from what was counted. */
  readonly imports: readonly ImportAccount[]
  /** Where every delivered request is in the statements; only when a period was closed. */
  readonly billing?: BillingAccount
  /** Every instance that has delivered, the latest last. */
  readonly instances: readonly InstanceAccount[]
}

const STORED = `
select import_id, '${REQUESTS_UNIT}' as unit, ${sumExact('request_count')} as quantity
from api_key_analytics
group by import_id`

const PRUNED = `
select coalesce(sum(request_count), 0) as requests
from api_key_analytics_prunes
where action in ('prune', 'forget')`

/** What each unit has where. */
const UNITS = `
select unit, 'stored' as place, ${sumExact('quantity')} as quantity, import_id
from api_key_analytics_quantities
group by unit, import_id
union all
select q.unit, 'pruned', ${sumExact('q.quantity')}, 0
from api_key_analytics_pruned_quantities q
group by q.unit
union all
select unit, 'delivered', ${sumExact('quantity')}, 0
from api_key_analytics_ledger_units
group by unit
union all
select unit, 'missing', ${sumExact('missing')}, 0
from api_key_analytics_ledger_units
group by unit`

const WRONG_HISTOGRAMS = ({ histogram }: Dialect) => `
select count(*) as rows
from api_key_analytics t
where t.request_count <> ${histogram.total('t.duration_bins')}`

const INSTANCES = (updatedAt: string) => `
select instance, sequence, request_count, missing, ${updatedAt} as updated_at
from api_key_analytics_ledger
order by updated_at, instance`

/** Compares what is stored with what was delivered, in one snapshot. Flushes may go on. */
export async function verifyUsage(
  db: Database,
  options: { histograms?: boolean } = {},
): Promise<VerifyResult> {
  return readSnapshot(db, (tx) => verifyWithin(tx, db, options))
}

/** The same within a transaction that sees one state of the database. */
export async function verifyWithin(
  tx: Statements,
  db: Pick<Database, 'dialect'>,
  { histograms = false }: { histograms?: boolean } = {},
): Promise<VerifyResult> {
  const stored = (await tx.query<StoredSum>(STORED)).map(readSum)
  const storedRequests = Number(stored.find(({ importId }) => importId === 0)?.quantity ?? 0)
  const prunedRequests = await sumRequests(tx, PRUNED)
  const rows = await tx.query<LedgerRow>(INSTANCES(db.dialect.millisecondsOf('updated_at')))
  const short = rows.filter(({ missing }) => Number(missing) > 0)
  const gaps = Map.groupBy(
    await readGaps(
      tx,
      short.map(({ instance }) => instance),
    ),
    ({ instance }) => instance,
  )
  const instances = rows.map((row) => toAccount(row, gaps.get(row.instance) ?? []))
  const deliveredRequests = instances.reduce((sum, instance) => sum + instance.deliveredRequests, 0)
  const missingRequests = instances.reduce((sum, instance) => sum + instance.missingRequests, 0)
  const sums = await tx.query<StoredSum & { place: string }>(UNITS)
  const units = sumUnits(sums.filter((sum) => sum.import_id === 0))
  const imports = await balanceImports(tx, [...stored, ...sums.map(readSum)])
  const balanced =
    storedRequests + prunedRequests === deliveredRequests &&
    [...units, ...imports].every((account) => account.balanced)
  const requests = { delivered: BigInt(deliveredRequests), removed: BigInt(prunedRequests) }
  const billing = await verifyStatements(
    tx,
    db.dialect,
    new Map([
      ['requests', requests],
      ...units.map(({ unit, delivered, pruned }) => [unit, { delivered, removed: pruned }] as const),
    ]),
  )
  const account = {
    ...(billing && { billing }),
    storedRequests,
    prunedRequests,
    deliveredRequests,
    missingRequests,
    units,
    imports,
    balanced,
    instances,
  }
  return histograms ? { ...account, wrongHistograms: await countWrongHistograms(tx, db.dialect) } : account
}

/** What the table holds of an import, or of what was counted (0), in one unit. */
interface StoredSum {
  readonly import_id: number
  readonly unit: string
  readonly quantity: string
}

function readSum({ import_id: importId, unit, quantity }: StoredSum): StoredOfImport {
  return { importId, unit, quantity: readExact(quantity) }
}

function sumUnits(sums: readonly (StoredSum & { readonly place: string })[]): UnitAccount[] {
  return [...Map.groupBy(sums, ({ unit }) => unit)]
    .map(([unit, places]) => {
      const sumOf = (place: string): bigint => {
        const found = places.find((sum) => sum.place === place)
        return found ? readExact(found.quantity) : 0n
      }
      const [stored, pruned, delivered] = [sumOf('stored'), sumOf('pruned'), sumOf('delivered')]
      const balanced = stored + pruned === delivered
      return { unit, stored, pruned, delivered, missing: sumOf('missing'), balanced }
    })
    .sort((a, b) => (a.unit < b.unit ? -1 : 1))
}

/** Reads every histogram, which takes seconds per million rows. */
async function countWrongHistograms(tx: Statements, dialect: Dialect): Promise<number> {
  const [row] = await tx.query<{ rows: string | number }>(WRONG_HISTOGRAMS(dialect))
  return Number(row?.rows)
}

async function sumRequests(tx: Statements, sql: string): Promise<number> {
  const [row] = await tx.query<{ requests: string | number }>(sql)
  return Number(row?.requests)
}

interface LedgerRow {
  readonly instance: string
  readonly sequence: string | number
  readonly request_count: string | number
  readonly missing: string | number
  readonly updated_at: string | number
}

function toAccount(row: LedgerRow, gaps: readonly Gap[]): InstanceAccount {
  return {
    instance: row.instance,
    sequence: Number(row.sequence),
    deliveredRequests: Number(row.request_count),
    missingRequests: Number(row.missing),
    missing: gaps.map(({ from, to }) => ({ from: from + 1, to })),
    updatedAt: new Date(Number(row.updated_at)),
  }
}
