/**
 * The state of the page, all of it in the address: a view can be shared, reloaded, and left with the Back button.
 * `key`, `owner`, or `method` and `endpoint`, choose a page; `owner` with one of the others shows only that customer's
 * requests. `c.…`, `k.…` and `e.…` are the state of the lists of customers, keys and endpoints. `rows` is
 * the number of rows on a page of each list. `links=0` shows a key alone that is linked to others. `latency` shows durations, `unit` counts a unit instead of requests.
 * `statement` is the number of a statement, or `all` for their list; there `owner` is a filter, `kind` another, and `s.…`,
 * `l.…` and `b.…` are the state of the lists of statements, lines and billed customers.
 */
export type View = Readonly<Record<string, string>>

/** The parameters that filter requests, on every page. */
const FILTER = ['since', 'until', 'month', 'tz', 'status']
/** The parameters that are kept when another page is opened. */
const KEPT = [...FILTER, 'unit', 'latency', 'rows']
/** The parameters that choose a page. */
export const PAGE = ['key', 'method', 'endpoint', 'owner', 'statement']
/** All parameters of an address except the state of the lists. */
export const ADDRESS_PARAMETERS: readonly string[] = [
  ...FILTER,
  ...PAGE,
  'links',
  'kind',
  'unit',
  'latency',
  'rows',
  'live',
]
/** The lists of customers, keys and endpoints. */
export type UsageListName = 'c' | 'k' | 'e'
/** Those, and the lists of statements, lines and billed customers. */
export type ListName = UsageListName | 's' | 'l' | 'b'
const LISTS: readonly ListName[] = ['c', 'k', 'e', 's', 'l', 'b']
const LIST_STATE = /^[ckeslb]\.(search|sort|order|page)$/
/** Changes that lead every list to its first page. */
export const FIRST_PAGES: View = Object.fromEntries(LISTS.map((list) => [`${list}.page`, '']))

/** The view in the address. */
export function readView(): View {
  return Object.fromEntries(new URLSearchParams(location.search))
}

/** The first parameter in an address that the page does not use. */
export function unknownIn(view: View): string | undefined {
  return Object.keys(view).find((name) => !ADDRESS_PARAMETERS.includes(name) && !LIST_STATE.test(name))
}

/** The address of a view with some changes; an empty text removes a parameter. */
export function addressOf(view: View, changes: View): string {
  const parts = Object.entries({ ...view, ...changes }).filter(([, value]) => value !== '')
  return `?${new URLSearchParams(parts)}`
}

/** The address of the view with durations, or without. A unit has none. */
export function addressOfTimed(view: View): string {
  const isTimed = view['latency'] && !view['unit']
  return addressOf(view, {
    ...unsorted(view, isTimed ? 'p95' : 'quantity'),
    latency: isTimed ? '' : '1',
    unit: '',
  })
}

/** The address of the view of a unit, or of requests with an empty text. */
export function addressOfUnit(view: View, unit: string): string {
  const order = unit === '' ? 'quantity' : 'p95'
  return addressOf(view, { ...FIRST_PAGES, ...unsorted(view, order), latency: '', unit })
}

/** Takes an order away from the lists that have it, because what they show has no such order. */
function unsorted(view: View, order: string): View {
  const sorted = LISTS.filter((list) => view[`${list}.sort`] === order)
  const names = sorted.flatMap((list) => [`${list}.sort`, `${list}.order`, `${list}.page`])
  return Object.fromEntries(names.map((name) => [name, '']))
}

/** The address of another page, with the same period and statuses. */
export function addressOfPage(view: View, page: View): string {
  return addressOf(Object.fromEntries(KEPT.flatMap((name) => (view[name] ? [[name, view[name]]] : []))), page)
}

/** The address of the view with another number of rows on a page of each list. */
export function addressOfRows(view: View, rows: string): string {
  return addressOf(view, { ...FIRST_PAGES, rows })
}

/** The filter of a view and what it counts, as parameters of the API. */
export function filterOf(view: View): View {
  const given = [...FILTER, ...PAGE, 'links', 'unit'].flatMap((name) =>
    view[name] ? [[name, view[name]]] : [],
  )
  return Object.fromEntries(given)
}
