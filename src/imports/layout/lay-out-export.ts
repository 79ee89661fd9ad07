import { AnalyticsError } from '../../model/errors.ts'
import { UNMEASURED_BIN } from '../../model/duration-bins.ts'
import type { KeyIdentity } from '../../model/key.ts'
import type { ImportedRow } from '../../model/imported-row.ts'
import { isUnitName } from '../../model/unit.ts'
import { isUuid } from '../../model/uuid.ts'
import { MINUTE_MS } from '../../time/units.ts'
import { describeNames } from '../read/describe-names.ts'
import { estimateBins } from './estimate-bins.ts'
import {
  readCount,
  readEndpoint,
  readMethod,
  readName,
  readQuantity,
  readStatus,
  readText,
} from '../read/read-values.ts'
import { refuseLine, maskValue } from '../read/refuse-line.ts'
import type { RowLayout } from './row-layout.ts'

const REQUIRED = ['keyId', 'bucket', 'bucketMinutes', 'method', 'endpoint', 'status', 'requestCount']
const LATENCY = ['measuredCount', 'p50Us', 'p95Us', 'p99Us']
const OPTIONAL = ['keyLabel', 'keyName', 'keyOwner', 'durationUs', ...LATENCY]
/** Columns that say nothing that other columns do not say, or only of the database that was exported. */
const IGNORED = ['bucketLocal', 'importId', 'keyLine']
const OF_UNIT = /^(\w+)(RequestCount|Quantity)$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
/** A key seldom comes again after many others. */
const KEYS_REMEMBERED = 10_000

/** Whether these are columns of our own export. */
export function isExport(names: readonly string[]): boolean {
  return names.includes('requestCount') && (names.includes('keyId') || names.includes('clientErrorCount'))
}

/**
 * The layout of our own export.
 * @param isCsv texts then may have a leading apostrophe, see `renderCsvCell`
 * @throws WRONG_USAGE when a column is missing or unknown
 */
export function layOutExport(names: readonly string[], isCsv: boolean): RowLayout {
  if (names.includes('clientErrorCount')) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      'This is an export of groups (--by), in which rows cannot be told apart any more. Import one without --by. Nothing was imported.',
    )
  }
  const missing = REQUIRED.filter((name) => !names.includes(name))
  if (missing.length > 0) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      `This export has no ${describeNames(missing)}. Export again without --columns, or with ${missing.length === 1 ? 'it' : 'them'}. Nothing was imported.`,
    )
  }
  const units = findUnits(names)
  const known = new Set([...REQUIRED, ...OPTIONAL, ...IGNORED, ...units.flatMap(columnsOf)])
  const unknown = names.filter((name) => !known.has(name))
  if (unknown.length > 0) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      `This export has columns that "apikey-analytics export" does not write: ${describeNames(unknown)}. Remove them, or name the columns with --columns. Nothing was imported.`,
    )
  }
  // in this order whatever the order of the file is; what it does not have is undefined
  const columns = [...REQUIRED, ...OPTIONAL, ...units.flatMap(columnsOf)]
  const firstOfUnits = REQUIRED.length + OPTIONAL.length
  const unprotect = (value: unknown): unknown =>
    isCsv && typeof value === 'string' && value.startsWith("'") ? value.slice(1) : value
  const toKey = rememberKeys(unprotect)
  return {
    format: 'export',
    columns,
    toRows(cells, line) {
      const [keyId, bucket, minutes, method, endpoint, status, requests, label, name, owner, duration] = cells
      const requestCount = readCount(requests, 'requestCount', line)
      const row: ImportedRow = {
        line,
        key: toKey([keyId, label, name, owner], line),
        ...readBucket(bucket, minutes, line),
        method: readMethod(unprotect(method), 'method', line),
        endpoint: readEndpoint(unprotect(endpoint), 'endpoint', line),
        status: readStatus(status, 'status', line),
        requestCount,
        durationUs: isNone(duration) ? 0 : readCount(duration, 'durationUs', line),
        durationBins: readBins(cells.slice(firstOfUnits - LATENCY.length, firstOfUnits), requestCount, line),
        quantities: units.flatMap((unit, index) => {
          const [ofRequests, ofQuantity] = columnsOf(unit)
          const [count, quantity] = cells.slice(firstOfUnits + 2 * index)
          if (isNone(quantity)) return []
          return {
            unit,
            requestCount: readCount(count, ofRequests, line),
            quantity: readQuantity(quantity, ofQuantity, line),
          }
        }),
      }
      return [row]
    },
  }
}

const isNone = (value: unknown): boolean => value === null || value === undefined

/** The units of which both columns are there. @throws WRONG_USAGE when one of them is missing */
function findUnits(names: readonly string[]): string[] {
  const units = new Set(names.flatMap((name) => OF_UNIT.exec(name)?.[1] ?? []).filter(isUnitName))
  const half = [...units].flatMap(columnsOf).filter((name) => !names.includes(name))
  if (half.length === 0) return [...units].sort()
  throw new AnalyticsError(
    'WRONG_USAGE',
    `This export has no ${describeNames(half)}: a unit has two columns. Nothing was imported.`,
  )
}

const columnsOf = (unit: string) => [`${unit}RequestCount`, `${unit}Quantity`] as const

function rememberKeys(
  unprotect: (value: unknown) => unknown,
): (given: readonly unknown[], line: number) => KeyIdentity {
  const known = new Map<string, KeyIdentity>()
  return (given, line) => {
    const name = given.join('\n')
    const found = known.get(name)
    if (found) return found
    const id = readText(given[0], 'keyId', line).toLowerCase()
    if (!isUuid(id)) throw refuseLine(line, `keyId is ${maskValue(given[0])}. It must be a UUID.`)
    const key = {
      id,
      label: readName(unprotect(given[1]), 'keyLabel', line) ?? `key-${id.slice(0, 8)}`,
      name: readName(unprotect(given[2]), 'keyName', line),
      owner: readName(unprotect(given[3]), 'keyOwner', line),
    }
    if (known.size === KEYS_REMEMBERED) known.clear()
    known.set(name, key)
    return key
  }
}

function readBucket(
  given: unknown,
  width: unknown,
  line: number,
): Pick<ImportedRow, 'bucket' | 'bucketMinutes'> {
  const minutes = readCount(width, 'bucketMinutes', line)
  if (minutes !== 1 && minutes !== 60 && minutes !== 1440) {
    throw refuseLine(line, `bucketMinutes is ${minutes}. It must be 1, 60 or 1440.`)
  }
  const isTime = typeof given === 'string' && TIME.test(given)
  const bucket = isTime ? Date.parse(given) : Number.NaN
  if (Number.isNaN(bucket) || bucket % (minutes * MINUTE_MS) !== 0) {
    throw refuseLine(
      line,
      `bucket is ${maskValue(given)}. It must be the start of a UTC ${minutes === 1 ? 'minute' : minutes === 60 ? 'hour' : 'day'}, such as 2026-10-01T00:00:00.000Z.`,
    )
  }
  return { bucket, bucketMinutes: minutes }
}

function readBins(
  [given, ...quantiles]: readonly unknown[],
  requestCount: number,
  line: number,
): ImportedRow['durationBins'] {
  const measured = isNone(given) ? 0 : readCount(given, 'measuredCount', line)
  if (measured === 0) return [UNMEASURED_BIN, requestCount]
  if (measured > requestCount) {
    throw refuseLine(line, `measuredCount is ${measured}, more than its ${requestCount} requests.`)
  }
  const [p50 = 0, p95 = 0, p99 = 0] = quantiles.map((us, index) => readCount(us, LATENCY[index + 1]!, line))
  if (p50 > p95 || p95 > p99) throw refuseLine(line, `p50Us, p95Us and p99Us are not in order.`)
  return estimateBins(requestCount, measured, [p50, p95, p99])
}
