import type { Group } from './ask-api.ts'
import { drawDuration, DURATIONS } from './durations.ts'
import { formatAge, formatCount, formatShare, formatTime, nameOfKey } from './format.ts'
import { foreign, make } from './make.ts'
import { drawSparkline } from './sparkline.ts'
import { addressOfPage } from './view.ts'
import type { View } from './view.ts'

/** A column of a list. */
export interface Column {
  readonly title: string
  /** The name of this order in the API. */
  readonly sort?: string | undefined
  readonly css: string
  readonly draw: (group: Group) => Node | string
}

/** The columns of the list of keys (`k`) or endpoints (`e`). */
export function columnsOf(list: 'k' | 'e', view: View): Column[] {
  return [
    {
      title: list === 'k' ? 'Key' : 'Endpoint',
      sort: 'group',
      css: 'name',
      draw: (group) => drawName(group, view),
    },
    { title: 'Requests', sort: 'requests', css: 'number', draw: ({ requests }) => formatCount(requests) },
    { title: 'Share', css: 'number soft', draw: ({ share }) => formatShare(share) },
    { title: 'Errors', sort: 'errors', css: 'number errors', draw: drawErrors },
    ...(view['latency'] ? durationColumns() : []),
    {
      title: 'Last use',
      sort: 'lastUsed',
      css: 'number soft age',
      draw: (group) => drawLastUse(group, view['tz'] ?? 'UTC'),
    },
    { title: 'Trend', css: 'trend', draw: ({ trend = [] }) => drawSparkline(trend) },
  ]
}

function durationColumns(): Column[] {
  return DURATIONS.map(({ title, name }) => ({
    title,
    sort: title === 'p95' ? title : undefined,
    css: 'number duration',
    draw: (group) => drawDuration(group[name]),
  }))
}

function drawName({ key, method = '', endpoint = '' }: Group, view: View): HTMLElement {
  const page: View = key ? { key: key.id } : { method, endpoint }
  const href = addressOfPage(view, page)
  const inside = key
    ? [foreign(nameOfKey(key)), key.name === null ? undefined : foreign(key.label, { class: 'soft' })]
    : [make('span', { class: 'method' }, method), foreign(endpoint)]
  const title = key ? nameOfKey(key) : `${method} ${endpoint}`
  return make('a', { href, title, 'data-focus': href }, ...inside)
}

function drawErrors({ clientErrors, serverErrors, errorRate }: Group): Node | string {
  const errors = clientErrors + serverErrors
  if (errors === 0) return make('span', { class: 'soft' }, '0')
  return make('span', { title: `${formatCount(errors)} errors` }, formatShare(errorRate))
}

function drawLastUse({ lastUsed }: Group, timeZone: string): Node | string {
  return lastUsed ? make('time', { title: formatTime(lastUsed, timeZone) }, formatAge(lastUsed)) : '–'
}
