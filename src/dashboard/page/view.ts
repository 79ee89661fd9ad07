/**
 * What is looked at, all of it in the address: a view can be shared, reloaded, and left with the Back button.
 * `key`, `owner`, or `method` and `endpoint`, choose a page; `k.…` and `e.…` are the state of the lists of keys and endpoints;
 * `latency` shows durations.
 */
export type View = Readonly<Record<string, string>>

/** What says which requests count, on every page. */
const FILTER = ['since', 'until', 'month', 'tz', 'status']
/** What stays when another page is opened. */
const KEPT = [...FILTER, 'latency']
const PAGE = ['key', 'method', 'endpoint', 'owner']
/** What an address may have, besides the state of the lists. */
export const PARAMETERS: readonly string[] = [...FILTER, ...PAGE, 'latency', 'live']
const LIST_STATE = /^[ke]\.(search|sort|order|page)$/

/** The view in the address. */
export function readView(): View {
  return Object.fromEntries(new URLSearchParams(location.search))
}

/** The name of something in an address that no part of the page reads. */
export function unknownIn(view: View): string | undefined {
  return Object.keys(view).find((name) => !PARAMETERS.includes(name) && !LIST_STATE.test(name))
}

/** The address of a view with some parts changed; an empty text removes one. */
export function addressOf(view: View, changes: View): string {
  const parts = Object.entries({ ...view, ...changes }).filter(([, value]) => value !== '')
  return `?${new URLSearchParams(parts)}`
}

/** The address of the view with durations, or without: then no list can be in their order. */
export function addressOfTimed(view: View): string {
  if (!view['latency']) return addressOf(view, { latency: '1' })
  const slowest = ['k', 'e'].filter((list) => view[`${list}.sort`] === 'p95')
  const orders = slowest.flatMap((list) => [`${list}.sort`, `${list}.order`, `${list}.page`])
  return addressOf(view, Object.fromEntries(['latency', ...orders].map((name) => [name, ''])))
}

/** The address of another page, for the same time and statuses. */
export function addressOfPage(view: View, page: View): string {
  return addressOf(Object.fromEntries(KEPT.flatMap((name) => (view[name] ? [[name, view[name]]] : []))), page)
}

/** The part of a view that says which requests count, as the API takes it. */
export function filterOf(view: View): View {
  const given = [...FILTER, ...PAGE].flatMap((name) => (view[name] ? [[name, view[name]]] : []))
  return Object.fromEntries(given)
}
