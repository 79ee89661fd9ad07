import type { GroupKey, KeyIdentity } from '../../model/key.ts'
import type { UsageDimension } from '../../model/usage-query.ts'
import { formatInstant, formatOffset, isCalendarUnit } from '../../time/calendar.ts'
import type { Axis } from './axes.ts'
import type { ReportGroup } from './usage-report.ts'

const TITLES: Record<UsageDimension, string> = {
  key: 'Key',
  // several endpoints: methods are merged
  endpoint: 'Path',
  method: 'Method',
  status: 'Status',
  owner: 'Owner',
  hour: 'Hour',
  day: 'Day',
  week: 'Week from',
  month: 'Month',
}
const PLURALS: Record<UsageDimension, string> = {
  key: 'keys',
  endpoint: 'paths',
  method: 'methods',
  status: 'statuses',
  owner: 'owners',
  hour: 'hours',
  day: 'days',
  week: 'weeks',
  month: 'months',
}

/** Fewest characters of an id to show; `--key` finds a key by the start of its id. */
const LEAST_OF_ID = 8

/** The text of usage without an owner. */
const NO_OWNER = '(none)'

/** The name of a key in a table: its name with its label, or its label alone; for a line also how many keys it has. */
export function nameOfKey({ name, label, keyCount }: Pick<GroupKey, 'name' | 'label' | 'keyCount'>): string {
  const text = name === null || name === label ? label : `${name} (${label})`
  return keyCount === undefined ? text : `${text}, ${keyCount} keys`
}

/** The text of a group on an axis. */
type TextOf = (group: ReportGroup, axis: Axis) => string

export const titleOfAxis = (axis: Axis): string => (axis.length === 2 ? 'Endpoint' : TITLES[axis[0]])
export const pluralOfAxis = (axis: Axis): string => (axis.length === 2 ? 'endpoints' : PLURALS[axis[0]])

/** What a group is on an axis: groups with the same text may differ in it. */
export function valueOnAxis(group: ReportGroup, axis: Axis): string | number | null {
  if (axis.length === 2) return `${group.method} ${group.endpoint}`
  const value = group[axis[0]] ?? null
  if (value instanceof Date) return value.getTime()
  return typeof value === 'object' ? (value?.id ?? null) : value
}

/**
 * Makes a `textOf` for some groups. Where several of their keys have the same name, the start of the id is added; where an
 * hour is there twice because clocks go back, its offset; and an owner that is called "(none)" has quotation marks.
 */
export function tellApart(groups: readonly ReportGroup[], timeZone: string): TextOf {
  const keys = new Map(groups.flatMap(({ key }) => (key ? [[key.id, key]] : [])))
  const namesakes = [...Map.groupBy(keys.values(), nameOfKey)].filter(([, { length }]) => length > 1)
  const lengthOf = new Map(namesakes.map(([name, same]) => [name, findLength(same)]))
  const repeated = findRepeatedHours(groups, timeZone)
  return (group, axis) => {
    if (axis.length === 2) return `${group.method} ${group.endpoint}`
    const text = textOf(group, axis[0], timeZone)
    if (axis[0] === 'owner' && group.owner === NO_OWNER) return `"${text}"`
    if (axis[0] === 'hour' && repeated.has(text)) return `${text} ${formatOffset(group.hour!, timeZone)}`
    const length = axis[0] === 'key' ? lengthOf.get(text) : undefined
    return length === undefined ? text : `${text} ${group.key!.id.slice(0, length)}`
  }
}

/** The texts that two hours of the groups have. */
function findRepeatedHours(groups: readonly ReportGroup[], timeZone: string): Set<string> {
  const hours = new Set(groups.flatMap(({ hour }) => (hour ? [hour.getTime()] : [])))
  const texts = [...hours].map((hour) => formatInstant(new Date(hour), timeZone))
  return new Set(
    [...Map.groupBy(texts, (text) => text)].flatMap(([text, { length }]) => (length > 1 ? [text] : [])),
  )
}

/** How many characters of their ids distinguish keys with the same name. */
function findLength(keys: readonly KeyIdentity[]): number {
  let length = LEAST_OF_ID
  while (new Set(keys.map(({ id }) => id.slice(0, length))).size < keys.length) length += 1
  return length
}

/** The value of a dimension of a group, as text. */
function textOf(group: ReportGroup, dimension: UsageDimension, timeZone: string): string {
  if (dimension === 'key') return group.key ? nameOfKey(group.key) : ''
  if (dimension === 'owner') return group.owner ?? NO_OWNER
  if (isCalendarUnit(dimension)) return formatInstant(group[dimension] ?? new Date(0), timeZone, dimension)
  return String(group[dimension] ?? '')
}
