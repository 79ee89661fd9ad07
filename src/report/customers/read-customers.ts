import { buildReport, queryOf } from '../usage/build-report.ts'
import type { ReportRequest } from '../usage/build-report.ts'
import type { CustomerMeasures, Customers } from './customers-report.ts'
import { AnalyticsError } from '../../model/errors.ts'
import { requireUnit } from '../question/require-unit.ts'
import type { FoundFilter } from '../question/find-filter.ts'
import { noteImported } from '../notes/note-imported.ts'
import { noteUndelivered } from '../notes/note-undelivered.ts'
import { parsePeriod } from '../../time/period.ts'
import type { ReportGroup } from '../usage/usage-report.ts'
import { atOneMoment } from '../usage/usage-source.ts'
import type { Database } from '../../store/database/open-database.ts'
import { isReservedKey } from '../../model/key.ts'
import type { UsageRow } from '../../model/usage-row.ts'
import { SORTS } from '../usage/read-report.ts'

/** The flags of `customers list`, parsed. */
export interface CustomerFlags {
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly month?: string | undefined
  readonly tz: string
  readonly unit?: string | undefined
  readonly sort?: string | undefined
  readonly limit?: number | undefined
  readonly format: string
}

/** A list of customers to read. */
export interface CustomersOrder {
  readonly found: FoundFilter
  readonly request: Omit<ReportRequest, 'period' | 'filter' | 'by'>
}

const DEFAULT_PERIOD = '30d'

/** Builds the list of customers that the flags ask for. @throws WRONG_USAGE */
export async function readCustomers(
  db: Database,
  { since, until, month, tz: timeZone, ...flags }: CustomerFlags,
  { dataDir }: { readonly dataDir: string },
): Promise<Customers> {
  const isGiven = (since ?? until ?? month) !== undefined
  const period = parsePeriod({ since: isGiven ? since : DEFAULT_PERIOD, until, month, timeZone })
  const { unit, sort } = flags
  if (unit !== undefined) await requireUnit(db, unit)
  else if (sort === 'quantity') throw new AnalyticsError('WRONG_USAGE', '--sort quantity needs --unit.')
  const request = {
    unit,
    withTrend: flags.format !== 'csv',
    sort: SORTS[sort ?? (unit === undefined ? 'requests' : 'quantity')]!,
    ...(flags.limit && { limit: flags.limit }),
  }
  return listCustomers(db, { found: { period, filter: {} }, request }, dataDir)
}

/**
 * Lists the owners with requests in a period. A request belongs to the owner that the key had at its time. All numbers
 * are of one moment.
 */
export async function listCustomers(
  db: Database,
  { found: { period, filter }, request }: CustomersOrder,
  dataDir: string,
): Promise<Customers> {
  const query = queryOf({ filter, unit: request.unit }, period)
  const [report, keys, imported] = await atOneMoment(db, async (source, snapshot) => [
    await buildReport(source, { ...request, period, filter, by: ['owner'] }),
    await source.findUsage({ ...query, by: ['owner', 'key'] }),
    await noteImported(snapshot, query),
  ])
  const counts = countKeysByOwner(keys)
  const [section] = report.sections
  return {
    database: db.databaseLabel,
    dataDir,
    ...(report.unit !== undefined && { unit: report.unit }),
    period: report.period,
    ...(report.previous && { previous: report.previous }),
    total: report.total,
    series: report.series,
    customerCount: section!.groupCount,
    customers: section!.groups.map((group) => toCustomer(group, counts)),
    notes: [...report.notes, ...imported, ...(await noteUndelivered(db, dataDir))],
  }
}

function toCustomer(group: ReportGroup, counts: ReadonlyMap<string | null, number>): CustomerMeasures {
  const { owner = null, ...measures } = group
  return { owner, keys: counts.get(owner) ?? 0, ...measures }
}

function countKeysByOwner(rows: readonly UsageRow[]): Map<string | null, number> {
  const counts = new Map<string | null, number>()
  for (const { owner = null, key } of rows) {
    if (key && !isReservedKey(key.id)) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  return counts
}
