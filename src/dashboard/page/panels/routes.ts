import { askApi } from '../ask-api.ts'
import type { Route, Routes } from '../ask-api.ts'
import { formatCount, formatTime } from '../format.ts'
import { foreign, make } from '../make.ts'
import { addressOfPage } from '../view.ts'
import type { View } from '../view.ts'

/** The deprecated routes, and those that no key has called. Hidden where there are none. */
export class RoutePanel {
  readonly element: HTMLElement
  readonly #about = make('p', { class: 'soft' })
  readonly #list = make('ul', { class: 'routes' })

  constructor() {
    this.element = make(
      'section',
      { class: 'panel', hidden: true },
      make('header', {}, make('h2', {}, 'Routes'), this.#about),
      this.#list,
    )
  }

  /** Asks for the routes and draws them: of all, or of the endpoint that is shown. A key and a customer have none. */
  async load(view: View, signal: AbortSignal): Promise<void> {
    const { key, owner, endpoint, tz = 'UTC' } = view
    const found =
      (key ?? owner) === undefined ? await askApi<Routes>('routes', { endpoint }, signal) : undefined
    this.element.hidden = !found || found.deprecated.length + found.unused.length === 0
    if (!found) return
    this.#about.textContent = describe(found)
    this.#list.replaceChildren(
      ...found.deprecated.map((route) => drawRoute(route, view, describeDeprecation(route, tz))),
      ...found.unused.map((route) => drawRoute(route, view, describeUnused(route, found.days, tz))),
    )
  }
}

function describe({ deprecatedCount, unusedCount, days, until }: Routes): string {
  const parts = [
    ...(deprecatedCount > 0 ? [`${formatCount(deprecatedCount)} deprecated`] : []),
    ...(unusedCount > 0 ? [`${formatCount(unusedCount)} without a request in ${days} days`] : []),
  ]
  return until
    ? `${parts.join(', ')}. Complete days until ${formatTime(until, 'UTC', 'day')}`
    : parts.join(', ')
}

function describeDeprecation({ sunsetAt, lastCalledAt }: Route, timeZone: string): string {
  const sunset = sunsetAt ? `, sunset ${formatTime(sunsetAt, timeZone, 'day')}` : ''
  return `Deprecated${sunset}. ${describeLastCall(lastCalledAt, timeZone)}`
}

function describeUnused({ lastCalledAt }: Route, days: number, timeZone: string): string {
  return `Not called in ${days} days. ${describeLastCall(lastCalledAt, timeZone)}`
}

function describeLastCall(time: string | null, timeZone: string): string {
  return time ? `Last call ${formatTime(time, timeZone)}` : 'Never called since it was registered'
}

/** The name links to the page of the endpoint, unless that is shown. */
function drawRoute({ method, endpoint }: Route, view: View, text: string): HTMLElement {
  const name = `${method} ${endpoint}`
  const page: View = method === '*' ? { endpoint } : { endpoint, method }
  const subject =
    view['endpoint'] === undefined
      ? make('a', { href: addressOfPage(view, page) }, foreign(name))
      : foreign(name)
  return make('li', {}, subject, make('span', { class: 'soft' }, ` ${text}`))
}
