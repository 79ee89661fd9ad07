import { titleOfAmount } from '../../../report/usage/amount.ts'
import type { Group } from '../ask-api.ts'
import { drawChange } from '../panels/change.ts'
import { isCountChanged, isQuantityChanged } from '../panels/change-matters.ts'
import { drawDuration, DURATIONS } from './durations.ts'
import {
  amountIn,
  formatAge,
  formatCount,
  formatShare,
  formatShort,
  formatTime,
  displayNameOf,
  toAmount,
} from '../format.ts'
import { foreign, make, showInvisible } from '../make.ts'
import { drawSparkline } from '../charts/sparkline.ts'
import { addressOfPage } from '../view.ts'
import type { UsageListName, View } from '../view.ts'

/** A column of a list. */
export interface Column {
  readonly title: string
  /** The name of this order in the API. */
  readonly sort?: string | undefined
  readonly css: string
  readonly draw: (group: Group) => Node | string
}

const NAMES = { c: 'Customer', k: 'Key', e: 'Endpoint' }

/** The columns of the list of customers, keys or endpoints. */
export function columnsOf(
  list: UsageListName,
  view: View,
  { isCompared }: { readonly isCompared: boolean },
): Column[] {
  const { unit } = view
  return [
    { title: NAMES[list], sort: 'group', css: 'name', draw: (group) => drawName(group, view) },
    ...(list === 'c'
      ? [{ title: 'Keys', css: 'number keys', draw: ({ keys = 0 }: Group) => formatCount(keys) }]
      : []),
    ...(unit
      ? [
          {
            title: titleOfAmount(unit),
            sort: 'quantity',
            css: 'number',
            draw: drawQuantity,
          },
        ]
      : []),
    { title: 'Requests', sort: 'requests', css: 'number', draw: ({ requests }) => formatCount(requests) },
    ...(isCompared ? [{ title: 'Change', css: 'number delta', draw: drawAmountChange }] : []),
    { title: 'Share', css: 'share', draw: drawShare },
    { title: 'Errors', sort: 'errors', css: 'number errors', draw: drawErrors },
    ...(view['latency'] && !unit ? durationColumns() : []),
    {
      title: 'Last use',
      sort: 'lastUsed',
      css: 'number age',
      draw: (group) => drawLastUse(group, view['tz'] ?? 'UTC'),
    },
    { title: 'Trend', css: 'trend', draw: ({ trend = [] }) => drawSparkline(trend.map(Number)) },
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

function drawName(group: Group, view: View): HTMLElement {
  const { key, method, endpoint, owner } = group
  if (key) {
    const label = key.name === null ? undefined : foreign(key.label, { class: 'soft' })
    const count = key.keyCount && make('span', { class: 'soft' }, `${key.keyCount} keys`)
    // on the page of a key: one key of its line
    const page = view['key'] === undefined ? { key: key.id } : { key: key.id, links: '0' }
    return link(view, page, displayNameOf(key), foreign(displayNameOf(key)), label, count || undefined)
  }
  if (endpoint !== undefined) {
    const operation = { method: method ?? '', endpoint }
    const about = `${operation.method} ${endpoint}`
    return link(view, operation, about, make('span', { class: 'method' }, method), foreign(endpoint))
  }
  // No filter can name the keys without an owner.
  if (typeof owner !== 'string') return make('span', { class: 'soft' }, '(none)')
  return link(view, { owner }, owner, foreign(owner))
}

/** A link to another page; from the page of a customer, it leads to the part of that customer. */
function link(view: View, page: View, title: string, ...inside: readonly (Node | undefined)[]): HTMLElement {
  const { owner } = view
  const href = addressOfPage(view, { ...(owner !== undefined && { owner }), ...page })
  return make('a', { href, title: showInvisible(title), 'data-focus': href }, ...inside)
}

/** A longer number does not fit into a column. */
const LONGEST = 11

/** A quantity; a long one is short, and whole in its title. */
function drawQuantity(group: Group): Node | string {
  const text = formatCount(amountIn(group))
  return text.length <= LONGEST ? text : make('span', { title: text }, formatShort(amountIn(group)))
}

function drawAmountChange(group: Group): Node | string {
  const { requests, previousRequests = 0, previousQuantity } = group
  const [now, before] = [amountIn(group), toAmount(previousQuantity ?? previousRequests)]
  const [used, usedBefore] = [
    { quantity: Number(now), requests },
    { quantity: Number(before), requests: previousRequests },
  ]
  const drawn = drawChange({
    now: used.quantity,
    before: usedBefore.quantity,
    matters:
      previousQuantity === undefined
        ? isCountChanged(requests, previousRequests)
        : isQuantityChanged(used, usedBefore),
  })
  if (drawn) drawn.title = `${formatCount(before)} in the period before`
  return drawn ?? drawNothing()
}

function drawNothing(): HTMLElement {
  return make('span', { class: 'soft' }, '–')
}

function drawShare({ share }: Group): HTMLElement {
  const bar = make('span', { class: 'bar' })
  bar.style.setProperty('--share', String(share))
  return make('span', { class: 'meter' }, bar, make('span', { class: 'percent' }, formatShare(share)))
}

function drawErrors({ clientErrors, serverErrors, errorRate }: Group): Node | string {
  const errors = clientErrors + serverErrors
  if (errors === 0) return make('span', { class: 'soft' }, '0')
  return make('span', { title: `${formatCount(errors)} errors` }, formatShare(errorRate))
}

function drawLastUse({ lastUsed }: Group, timeZone: string): Node | string {
  return lastUsed ? make('time', { title: formatTime(lastUsed, timeZone) }, formatAge(lastUsed)) : '–'
}
