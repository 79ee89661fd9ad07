import { AnalyticsError } from '../../model/errors.ts'
import type { KeyIdentity } from '../../model/key.ts'
import type { ImportedRow } from '../../model/imported-row.ts'
import { UNMEASURED_BIN } from '../../model/duration-bins.ts'
import { isUnitName } from '../../model/unit.ts'
import { didYouMean, suggest } from '../../model/suggest.ts'
import { describeNames } from '../read/describe-names.ts'
import type { ReadGivenKey } from '../read/read-given-key.ts'
import { BUCKET_MINUTES, readBucket } from '../read/read-time.ts'
import type { BucketName } from '../read/read-time.ts'
import {
  readCount,
  readEndpoint,
  readMethod,
  readName,
  readQuantity,
  readStatus,
  readText,
} from '../read/read-values.ts'
import type { RowLayout } from './row-layout.ts'

/** What a column of a file may be. Units are `unit.tokens`. */
const FIELDS = ['key', 'secret', 'name', 'owner', 'endpoint', 'method', 'status', 'time', 'requests'] as const
type Field = (typeof FIELDS)[number]

/** Endpoint of rows of a file that has none. */
const IMPORTED_ENDPOINT = '(imported)'

/** How a file with columns of its own is read. */
export interface MappedOptions {
  /** Which column is what: `key=api_key`. */
  readonly columns: readonly string[]
  readonly bucket: BucketName
  readonly timeZone: string
  /** Of rows of a file without these columns. */
  readonly method: string
  readonly status: number
  /** Start of the UTC day of all rows, for a file without times. */
  readonly day: number | undefined
}

/**
 * The layout of a file with columns of its own.
 * @throws WRONG_USAGE for a column that is not there, or that nobody knows what to do with
 */
export function layOutMapped(
  names: readonly string[],
  options: MappedOptions,
  readKey: ReadGivenKey,
): RowLayout {
  const { fields, units } = parseColumns(options.columns)
  requireFields(fields, options)
  const wanted = [...fields.values(), ...units.values()]
  const missing = wanted.filter((name) => !names.includes(name))
  if (missing.length > 0) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      `The file has no column ${describeNames(missing)}. It has ${describeNames(names)}. Nothing was imported.`,
    )
  }
  const columns = [...new Set(wanted)]
  const at = new Map(columns.map((name, index) => [name, index]))
  const { bucket, timeZone, day } = options
  return {
    format: 'csv',
    columns,
    toRows(cells, line) {
      const cell = (field: Field): unknown => cells[at.get(fields.get(field) ?? '') ?? -1]
      const has = (field: Field) => fields.has(field)
      const nameOf = (field: Field) => fields.get(field) ?? field
      const requestCount = has('requests') ? readCount(cell('requests'), nameOf('requests'), line) : 1
      const row: ImportedRow = {
        line,
        key: readMappedKey(cell, nameOf, line),
        bucket: day ?? readBucket(cell('time'), { bucket, timeZone }, line),
        bucketMinutes: day === undefined ? BUCKET_MINUTES[bucket] : 1440,
        method: has('method') ? readMethod(cell('method'), nameOf('method'), line) : options.method,
        endpoint: has('endpoint')
          ? readEndpoint(cell('endpoint'), nameOf('endpoint'), line)
          : IMPORTED_ENDPOINT,
        status: has('status') ? readStatus(cell('status'), nameOf('status'), line) : options.status,
        requestCount,
        durationUs: 0,
        durationBins: [UNMEASURED_BIN, requestCount],
        quantities: [...units].flatMap(([unit, column]) => {
          const value = cells[at.get(column)!]
          if (value === null || value === undefined) return []
          return { unit, requestCount, quantity: readQuantity(value, column, line) }
        }),
      }
      return [row]
    },
  }

  function readMappedKey(
    cell: (field: Field) => unknown,
    nameOf: (field: Field) => string,
    line: number,
  ): KeyIdentity {
    const field = fields.has('secret') ? 'secret' : 'key'
    const text = readText(cell(field), nameOf(field), line)
    const name = readName(cell('name'), nameOf('name'), line)
    const owner = readName(cell('owner'), nameOf('owner'), line)
    return readKey(field === 'secret' ? { secret: text } : { id: text }, { name, owner }, line)
  }
}

function parseColumns(columns: readonly string[]): {
  fields: Map<Field, string>
  units: Map<string, string>
} {
  const fields = new Map<Field, string>()
  const units = new Map<string, string>()
  for (const column of columns) {
    const [, field = '', name = ''] = /^([^=]+)=(.+)$/s.exec(column) ?? []
    const unit = /^unit\.(.+)$/.exec(field)?.[1]
    const isKnown = (FIELDS as readonly string[]).includes(field)
    if (name === '' || (unit === undefined ? !isKnown : !isUnitName(unit))) {
      throw new AnalyticsError(
        'WRONG_USAGE',
        `Cannot read --columns ${JSON.stringify(column)}.${didYouMean(suggest(field, FIELDS))} Use FIELD=COLUMN with one of ${FIELDS.join(', ')}, or unit.NAME.`,
      )
    }
    if (unit === undefined ? fields.has(field as Field) : units.has(unit)) {
      throw new AnalyticsError('WRONG_USAGE', `--columns names ${field} twice.`)
    }
    if (unit === undefined) fields.set(field as Field, name)
    else units.set(unit, name)
  }
  return { fields, units }
}

function requireFields(fields: ReadonlyMap<Field, string>, { day }: MappedOptions): void {
  const problem =
    fields.has('key') === fields.has('secret')
      ? '--columns must name either key (the id of the key) or secret (the key itself, which is hashed and not stored).'
      : day === undefined && !fields.has('time')
        ? '--columns names no time. For a file without times pass --day, the UTC day on which its requests are stored.'
        : day !== undefined && fields.has('time')
          ? 'Leave out either --day or the time in --columns.'
          : undefined
  if (problem) throw new AnalyticsError('WRONG_USAGE', problem)
}
