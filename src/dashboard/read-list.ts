import type { ReportRequest } from '../report/usage/build-report.ts'
import { nameOfKey } from '../report/usage/group-names.ts'
import { slowestFirst } from '../report/usage/slowest-first.ts'
import type { UsageRow } from '../model/usage-row.ts'
import { readChoice, readPage, wrongUsage } from '../web/read-query.ts'
import type { Query } from '../web/read-query.ts'

const MAX_CSV_ROWS = 100_000
const SORTS = ['requests', 'quantity', 'errors', 'lastUsed', 'group', 'p95'] as const

/** The parameters of a list in pages. */
export const LIST = ['latency', 'compare', 'sort', 'order', 'search', 'limit', 'offset', 'format']

/** A list as the query asks for it. */
export interface ReadList {
  readonly isCsv: boolean
  /** Which groups are shown, in what order, and what is shown of each. */
  readonly request: Omit<ReportRequest, 'period' | 'filter' | 'by'>
}

/** Reads the parameters of a list. An overview (`isOverview`) has its own number of groups. @throws WRONG_USAGE */
export function readList(query: Query, isOverview = false): ReadList {
  const isCsv = readChoice(query, 'format', ['csv', 'json']) === 'csv'
  const cut = query['limit'] ?? query['offset']
  if (isCsv && cut !== undefined) throw wrongUsage('format=csv has all lines: leave limit and offset out.')
  const sort = readChoice(query, 'sort', SORTS)
  const withLatency = readChoice(query, 'latency', ['1']) !== undefined
  if (sort === 'p95' && !withLatency) throw wrongUsage('sort=p95 needs latency=1.')
  const { unit } = query
  if (sort === 'quantity' && unit === undefined) throw wrongUsage('sort=quantity needs a unit.')
  if (withLatency && unit !== undefined)
    throw wrongUsage('A quantity has no durations: leave latency or unit out.')
  const { limit, offset } = readPage(query)
  const isWhole = isOverview && query['limit'] === undefined
  return {
    isCsv,
    request: {
      ...readOrder(query, sort),
      unit,
      ...(isCsv ? { limit: MAX_CSV_ROWS } : !isWhole && { limit }),
      offset: isCsv ? 0 : offset,
      comparePrevious: readChoice(query, 'compare', ['previous']) !== undefined,
      withTrend: !isCsv,
      withLatency,
    },
  }
}

function readOrder(query: Query, sort: (typeof SORTS)[number] | undefined): Partial<ReportRequest> {
  const order = readChoice(query, 'order', ['asc', 'desc'])
  // By default groups are in their own order, or the most used first.
  const isReversed = order !== undefined && order !== (sort === 'group' ? 'asc' : 'desc')
  const search = query['search']?.toLowerCase()
  return {
    ...(sort && sort !== 'p95' && { sort }),
    isReordered: isReversed || sort === 'p95',
    choose: (rows) => {
      const sorted = sort === 'p95' ? slowestFirst(rows) : rows
      const found = search ? sorted.filter((row) => textOf(row).toLowerCase().includes(search)) : sorted
      return isReversed ? found.toReversed() : found
    },
  }
}

/** The text of a group that a search looks at. */
function textOf({ key, method, endpoint, status, owner }: UsageRow): string {
  const names = key ? [nameOfKey(key), key.owner, key.id] : [method, endpoint, owner]
  return [...names, status].filter((part) => part !== undefined && part !== null).join(' ')
}
