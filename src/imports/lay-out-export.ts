import { AnalyticsError } from '../model/errors.ts'
import type { KeyIdentity } from '../model/key.ts'
import type { ImportedRow } from '../model/imported-row.ts'
import { isUnitName } from '../model/unit.ts'
import { isUuid } from '../store/read/usage-filter.ts'
import { MINUTE_MS } from '../time/units.ts'
import { describeNames } from './describe-names.ts'
import { estimateBins } from './estimate-bins.ts'
import {
  readCount,
  readEndpoint,
  readMethod,
  readName,
  readQuantity,
  readStatus,
  readText,
} from './read-values.ts'
import { refuseLine, showValue } from './refuse-line.ts'
import type { RowLayout } from './row-layout.ts'

const REQUIRED = ['keyId', 'bucket', 'bucketMinutes', 'method', 'endpoint', 'status', 'requestCount']
const OPTIONAL = ['keyLabel', 'keyName', 'keyOwner', 'durationUs', 'measuredCount', 'p50Us', 'p95Us', 'p99Us']
/** Columns that say nothing that other columns do not say, or only of the database that was exported. */
const IGNORED = ['bucketLocal', 'importId']
const OF_UNIT = /^(\w+)(RequestCount|Quantity)$/
const TEXTS = new Set(['keyLabel', 'keyName', 'keyOwner', 'method', 'endpoint'])
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
  const columns = names.filter((name) => !IGNORED.includes(name))
  const at = new Map(columns.map((name, index) => [name, index]))
  const toKey = rememberKeys()
  return {
    format: 'export',
    columns,
    toRows(cells, line) {
      const cell = (name: string): unknown => {
        const value = cells[at.get(name) ?? -1]
        return isCsv && TEXTS.has(name) && typeof value === 'string' ? value.replace(/^'/, '') : value
      }
      const requestCount = readCount(cell('requestCount'), 'requestCount', line)
      const quantities = units.flatMap((unit) => {
        const [requests, quantity] = columnsOf(unit)
        if (cell(quantity) === null || cell(quantity) === undefined) return []
        return {
          unit,
          requestCount: readCount(cell(requests), requests, line),
          quantity: readQuantity(cell(quantity), quantity, line),
        }
      })
      const row: ImportedRow = {
        line,
        key: toKey(cell, line),
        ...readBucket(cell, line),
        method: readMethod(cell('method'), 'method', line),
        endpoint: readEndpoint(cell('endpoint'), 'endpoint', line),
        status: readStatus(cell('status'), 'status', line),
        requestCount,
        durationUs: cell('durationUs') == null ? 0 : readCount(cell('durationUs'), 'durationUs', line),
        durationBins: readBins(cell, requestCount, line),
        quantities,
      }
      return [row]
    },
  }
}

type ReadCell = (name: string) => unknown

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

function rememberKeys(): (cell: ReadCell, line: number) => KeyIdentity {
  const known = new Map<string, KeyIdentity>()
  return (cell, line) => {
    const given = [cell('keyId'), cell('keyLabel'), cell('keyName'), cell('keyOwner')]
    const name = given.join('\n')
    const found = known.get(name)
    if (found) return found
    const id = readText(given[0], 'keyId', line).toLowerCase()
    if (!isUuid(id)) throw refuseLine(line, `keyId is ${showValue(given[0])}. It must be a UUID.`)
    const label = readName(given[1], 'keyLabel', line) ?? `key-${id.slice(0, 8)}`
    const key = {
      id,
      label,
      name: readName(given[2], 'keyName', line),
      owner: readName(given[3], 'keyOwner', line),
    }
    if (known.size === KEYS_REMEMBERED) known.clear()
    known.set(name, key)
    return key
  }
}

function readBucket(cell: ReadCell, line: number): Pick<ImportedRow, 'bucket' | 'bucketMinutes'> {
  const minutes = readCount(cell('bucketMinutes'), 'bucketMinutes', line)
  if (minutes !== 1 && minutes !== 60 && minutes !== 1440) {
    throw refuseLine(line, `bucketMinutes is ${minutes}. It must be 1, 60 or 1440.`)
  }
  const given = cell('bucket')
  const text = typeof given === 'string' ? given : ''
  const bucket = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(bucket) || bucket % (minutes * MINUTE_MS) !== 0) {
    throw refuseLine(
      line,
      `bucket is ${showValue(given)}. It must be the start of a UTC ${minutes === 1 ? 'minute' : minutes === 60 ? 'hour' : 'day'}, such as 2026-10-01T00:00:00.000Z.`,
    )
  }
  return { bucket, bucketMinutes: minutes }
}

function readBins(cell: ReadCell, requestCount: number, line: number): ImportedRow['durationBins'] {
  const given = cell('measuredCount')
  const measured = given === null || given === undefined ? 0 : readCount(given, 'measuredCount', line)
  if (measured > requestCount) {
    throw refuseLine(line, `measuredCount is ${measured}, more than its ${requestCount} requests.`)
  }
  const [p50, p95, p99] = (['p50Us', 'p95Us', 'p99Us'] as const).map((name) =>
    measured === 0 ? 0 : readCount(cell(name), name, line),
  ) as [number, number, number]
  if (p50 > p95 || p95 > p99) throw refuseLine(line, `p50Us, p95Us and p99Us are not in order.`)
  return estimateBins(requestCount, measured, [p50, p95, p99])
}
