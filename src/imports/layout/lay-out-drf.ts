import { AnalyticsError } from '../../model/errors.ts'
import type { ImportedRow } from '../../model/imported-row.ts'
import { UNMEASURED_BIN } from '../../model/duration-bins.ts'
import { OTHER_ENDPOINT } from '../../model/operation.ts'
import type { MappedOptions } from './lay-out-mapped.ts'
import type { ReadGivenKey } from '../read/read-given-key.ts'
import { readCount, readName, readPath, readText } from '../read/read-values.ts'
import { refuseLine } from '../read/refuse-line.ts'
import type { RowLayout } from './row-layout.ts'

/** Names of keys that are kept; a key without one is shown by its primary key. */
const MOST_NAMES = 200_000

/** Whether these are the fields of an object of Django's `dumpdata`. */
export function isDjangoDump(names: readonly string[]): boolean {
  return names.includes('model') && names.includes('fields')
}

/**
 * The layout of what `manage.py dumpdata` writes of drf-simple-apikey: its model ApiKeyAnalytics has the requests of
 * each key and endpoint, and no time, method or status. Objects of other models are left out; those of its keys give
 * their names. `names` is kept between two readings, because a dump may have the keys last.
 * @throws WRONG_USAGE without a day
 */
export function layOutDrf(
  { day, method, status }: Pick<MappedOptions, 'day' | 'method' | 'status'>,
  readKey: ReadGivenKey,
  names: Map<string, string>,
): RowLayout {
  if (day === undefined) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      'drf-simple-apikey stores no times: pass --day, the UTC day on which its requests are stored, such as the last one before you moved. Nothing was imported.',
    )
  }
  return {
    format: 'drf-simple-apikey',
    columns: ['model', 'pk', 'fields'],
    toRows([model, pk, fields], line) {
      const kind = typeof model === 'string' ? model.toLowerCase().split('.').at(-1) : undefined
      if (kind === undefined || typeof fields !== 'object' || fields === null) {
        throw refuseLine(line, 'it is no object of "manage.py dumpdata": it needs "model" and "fields".')
      }
      const read = fields as Readonly<Record<string, unknown>>
      if (kind === 'apikey' && names.size < MOST_NAMES) {
        const name = readName(read['name'], 'name', line)
        if (name !== null) names.set(readText(pk, 'pk', line), name)
      }
      if (kind !== 'apikeyanalytics') return []
      const id = readText(read['api_key'], 'api_key', line)
      const key = readKey({ id }, { name: names.get(id) ?? null, owner: null }, line)
      return readEndpoints(read, line).map(([endpoint, requestCount]): ImportedRow => {
        return {
          line,
          key,
          bucket: day,
          bucketMinutes: 1440,
          method,
          endpoint,
          status,
          requestCount,
          durationUs: 0,
          durationBins: [UNMEASURED_BIN, requestCount],
          quantities: [],
        }
      })
    },
  }
}

/** Requests by endpoint; those that are in the total only, as `(other)`. */
function readEndpoints(fields: Readonly<Record<string, unknown>>, line: number): [string, number][] {
  const total = readCount(fields['request_number'], 'request_number', line)
  const { endpoints = {} } = (fields['accessed_endpoints'] ?? {}) as { endpoints?: unknown }
  if (typeof endpoints !== 'object' || endpoints === null) {
    throw refuseLine(line, 'accessed_endpoints has no object "endpoints".')
  }
  const counts = Object.entries(endpoints).map(([path, count]): [string, number] => [
    readPath(path || '/', 'an endpoint', line),
    readCount(count, 'the count of an endpoint', line),
  ])
  const rest = total - counts.reduce((sum, [, count]) => sum + count, 0)
  return rest > 0 ? [...counts, [OTHER_ENDPOINT, rest]] : counts
}
