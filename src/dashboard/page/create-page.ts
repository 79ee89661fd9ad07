import { drawDurations } from './durations.ts'
import { makeLayout } from './layout.ts'
import { loadPage } from './load-page.ts'
import { foreign } from './make.ts'
import { isLive, isTimed } from './page-state.ts'
import type { Page } from './page-state.ts'
import { addressOf, addressOfPage, addressOfTimed, readView } from './view.ts'

/** Makes the page in a body and shows what its address says. */
export function createPage(body: HTMLElement): void {
  const navigation = {
    go: (address: string) => go(page, address),
    addressOfKey: ({ id }: { readonly id: string }) => addressOfPage(page.view, { key: id }),
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
  const { key, endpoint, owner } = view
  const isOther = ['key', 'method', 'endpoint', 'owner'].some((name) => before[name] !== view[name])
  layout.controls.show(view)
  layout.home.href = addressOfPage(view, {})
  layout.back.href = layout.home.href
  layout.back.hidden = key === undefined && endpoint === undefined && owner === undefined
  layout.live.setAttribute('aria-pressed', String(isLive(page)))
  layout.timed.setAttribute('aria-pressed', String(isTimed(page)))
  layout.keys.element.hidden = key !== undefined
  layout.endpoints.element.hidden = endpoint !== undefined
  layout.findings.element.hidden = !layout.back.hidden
  showDurations(page)
  if (isOther) {
    drawHeading(page)
    layout.heading.focus()
  }
  void loadPage(page)
}

/**
 * Shows the durations' placeholders at once, because reading them may take seconds. The values arrive with the lists.
 */
function showDurations(page: Page): void {
  const { durations, keys, endpoints, main } = page.layout
  const isWanted = isTimed(page) && !(keys.element.hidden && endpoints.element.hidden)
  if (durations.hidden && isWanted) durations.replaceChildren(...drawDurations(undefined))
  durations.hidden = !isWanted
  main.classList.toggle('timed', isTimed(page))
}

function drawHeading({ view, layout: { heading, facts } }: Page): void {
  const { key, method = '', endpoint, owner } = view
  facts.replaceChildren()
  if (endpoint !== undefined) heading.replaceChildren(`${method} `, foreign(endpoint))
  else if (owner !== undefined && key === undefined) heading.replaceChildren('Owner ', foreign(owner))
  // The name of a key arrives with its facts.
  else heading.textContent = key === undefined ? 'Overview' : 'Key'
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
  main.querySelector<HTMLInputElement>('.list:not([hidden]) input[type=search]')?.focus()
}
