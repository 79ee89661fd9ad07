import { titleOfAmount } from '../../report/usage/amount.ts'
import { drawDurations } from './lists/durations.ts'
import { makeLayout } from './layout.ts'
import { loadPage } from './load-page.ts'
import { foreign, make } from './make.ts'
import { isLive, isTimed } from './page-state.ts'
import type { Page } from './page-state.ts'
import { addressOfStatement } from './statements/bill-columns.ts'
import {
  addressOf,
  addressOfPage,
  addressOfTimed,
  addressOfUnit,
  PAGE,
  ADDRESS_PARAMETERS,
  readView,
  unknownIn,
} from './view.ts'
import type { View } from './view.ts'

/** Makes the page in a body and shows what its address says. */
export function createPage(body: HTMLElement): void {
  const navigation = {
    go: (address: string) => go(page, address),
    chooseUnit: (unit: string) => go(page, addressOfUnit(page.view, unit)),
    addressOfKey: ({ id }: { readonly id: string }) => addressOfPage(page.view, { key: id }),
    addressOfOwner: (owner: string) => addressOfPage(page.view, { owner }),
  }
  const page: Page = {
    layout: makeLayout(body, navigation),
    view: readView(),
    loading: new AbortController(),
    timer: undefined,
  }
  listen(page)
  drawHeading(page)
  show(page)
}

function listen(page: Page): void {
  const { live, timed, main } = page.layout
  live.addEventListener('click', () => go(page, addressOf(page.view, { live: isLive(page) ? 'off' : '' })))
  timed.addEventListener('click', () => go(page, addressOfTimed(page.view)))
  addEventListener('popstate', () => show(page))
  document.addEventListener('click', (event) => followLink(page, event))
  document.addEventListener('keydown', (event) => focusSearch(main, event))
  document.addEventListener('visibilitychange', () => document.hidden || loadPage(page))
}

/** Navigates to another address of this page without a reload. */
function go(page: Page, address: string): void {
  history.pushState(null, '', address)
  show(page)
}

/** Shows what the address says. */
function show(page: Page): void {
  const before = page.view
  page.view = readView()
  const { view, layout } = page
  const isOther = PAGE.some((name) => before[name] !== view[name])
  layout.controls.show(view)
  layout.home.href = addressOfPage(view, {})
  layout.live.setAttribute('aria-pressed', String(isLive(page)))
  layout.units.show(view)
  layout.chartTitle.textContent = titleOfAmount(view['unit'] || undefined)
  layout.timed.setAttribute('aria-pressed', String(isTimed(page)))
  for (const list of layout.lists) list.show(view)
  layout.month.show(view)
  layout.statements.show(view)
  showParts(page)
  for (const { element } of [layout.alerts, layout.findings])
    element.hidden = PAGE.some((name) => view[name] !== undefined)
  drawPath(page)
  showDurations(page)
  warnOfUnknown(page)
  if (isOther) {
    drawHeading(page)
    layout.heading.focus()
  }
  void loadPage(page)
}

/** A statement has no period to choose and never changes, so its page has none of the controls. */
function showParts({ view, layout }: Page): void {
  const { statement, owner, key, endpoint } = view
  const isOfStatements = statement !== undefined
  layout.usage.hidden = isOfStatements
  for (const control of [layout.controls.element, layout.timed, layout.live]) control.hidden = isOfStatements
  layout.toStatements.hidden = isOfStatements || key !== undefined || endpoint !== undefined
  layout.toStatements.href = addressOfStatement(view, 'all')
  layout.toStatements.textContent = owner === undefined ? 'Statements' : 'Statements of this customer'
}

/**
 * Shows the durations' placeholders at once, because reading them may take seconds. The values arrive with the lists.
 */
function showDurations(page: Page): void {
  const { durations, lists, main } = page.layout
  const isWanted = isTimed(page) && lists.some((list) => list.isIn(page.view))
  if (durations.hidden && isWanted) durations.replaceChildren(...drawDurations(undefined))
  durations.hidden = !isWanted
  main.classList.toggle('timed', isTimed(page))
}

/** Warns of an unknown parameter in the address. It may also belong to the app around this page. */
function warnOfUnknown({ view, layout: { warning } }: Page): void {
  const unknown = unknownIn(view)
  warning.hidden = unknown === undefined
  warning.textContent = `"${unknown}" in the address changes nothing here: this page knows ${ADDRESS_PARAMETERS.join(', ')}.`
}

/** The way back: the overview, and the customer whose part of a key or an endpoint is shown. */
function drawPath({ view, layout: { back } }: Page): void {
  const { key, endpoint, owner, statement } = view
  const isPart = owner !== undefined && (key !== undefined || endpoint !== undefined)
  const isOfList = statement !== undefined && statement !== 'all'
  const step = (page: View, name: Node | string) => [
    make('a', { href: addressOfPage(view, page) }, name),
    ' › ',
  ]
  back.hidden = PAGE.every((name) => view[name] === undefined)
  back.replaceChildren(
    ...step({}, 'Overview'),
    ...(isPart ? step({ owner }, foreign(owner)) : []),
    ...(isOfList ? [make('a', { href: addressOfStatement(view, 'all') }, 'Statements'), ' › '] : []),
  )
}

function drawHeading({ view, layout: { heading, facts } }: Page): void {
  const { key, method = '', endpoint, owner, statement } = view
  facts.replaceChildren()
  // The name of a key arrives with its facts.
  if (statement !== undefined)
    heading.textContent = statement === 'all' ? 'Statements' : `Statement ${statement}`
  else if (key !== undefined) heading.textContent = 'Key'
  else if (endpoint !== undefined) heading.replaceChildren(`${method} `, foreign(endpoint))
  else if (owner !== undefined) heading.replaceChildren('Customer ', foreign(owner))
  else heading.textContent = 'Overview'
  document.title = `${heading.textContent} – API key usage`
}

/** Links to other views stay in this page; new tabs and downloads work as usual. */
function followLink(page: Page, event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest('a') : null
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
  if (!link || !isPlain || link.hasAttribute('download')) return
  event.preventDefault()
  go(page, link.getAttribute('href') || '?')
}

/** `/` moves the focus to the first search, as on many sites. */
function focusSearch(main: HTMLElement, event: KeyboardEvent): void {
  const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return
  event.preventDefault()
  const searches = [...main.querySelectorAll<HTMLInputElement>('input[type=search]')]
  searches.find((search) => search.checkVisibility())?.focus()
}
