/**
 * What is looked at, all of it in the address: a view can be shared, reloaded, and left with the Back button.
 * `key`, or `method` and `endpoint`, choose a page; `k.…` and `e.…` are the state of the lists of keys and endpoints.
 */
export type View = Readonly<Record<string, string>>

/** What stays when another page is opened. */
const KEPT = ['since', 'until', 'month', 'tz', 'status']

/** The view in the address. */
export function readView(): View {
  return Object.fromEntries(new URLSearchParams(location.search))
}

/** The address of a view with some parts changed; an empty text removes one. */
export function addressOf(view: View, changes: View): string {
  const parts = Object.entries({ ...view, ...changes }).filter(([, value]) => value !== '')
  return `?${new URLSearchParams(parts)}`
}

/** The address of another page, for the same time and statuses. */
export function addressOfPage(view: View, page: View): string {
  return addressOf(Object.fromEntries(KEPT.flatMap((name) => (view[name] ? [[name, view[name]]] : []))), page)
}

/** The part of a view that says which requests count, as the API takes it. */
export function filterOf(view: View): View {
  const names = [...KEPT, 'key', 'method', 'endpoint']
  const given = names.flatMap((name) => (view[name] ? [[name, view[name]]] : []))
  return Object.fromEntries(given)
}
