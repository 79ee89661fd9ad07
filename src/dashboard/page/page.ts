/*! Contains uPlot 1.6.32, Copyright (c) Leon Sorokin, MIT license: https://github.com/leeoniya/uPlot */
// first of all: it reports errors of the modules after it
import { describeFailure } from './show-failure.ts'
import './check-language.ts'
import { ApiError, askApi } from './ask-api.ts'
import type { Account, Activity, KeyFacts, Report } from './ask-api.ts'
import { drawCards } from './cards.ts'
import { Chart } from './chart.ts'
import { Controls } from './controls.ts'
import { drawDurations } from './durations.ts'
import { FindingsPanel } from './findings.ts'
import { drawFooter } from './footer.ts'
import { formatCount, nameOfKey } from './format.ts'
import { drawHeatMap } from './heat-map.ts'
import { drawKeyFacts } from './key-facts.ts'
import { foreign, make } from './make.ts'
import { drawStatuses } from './status-list.ts'
import { UsageTable } from './usage-table.ts'
import {
  addressOf,
  addressOfPage,
  addressOfTimed,
  filterOf,
  PARAMETERS,
  readView,
  unknownIn,
} from './view.ts'
import type { View } from './view.ts'

const REFRESH_MS = 5000
/** Pause after a load, relative to its duration: a slow database is asked less often, so that others can use it too. */
const REST_PER_WORK = 10

const controls = new Controls(go)
const chart = new Chart()
const keys = new UsageTable({ name: 'k', title: 'Keys', by: 'key' }, go)
const endpoints = new UsageTable({ name: 'e', title: 'Endpoints', by: 'method,endpoint' }, go)
const findings = new FindingsPanel((key) => addressOfPage(view, { key: key.id }))
const home = make('a', { class: 'home' }, 'API key usage')
const live = make('button', { type: 'button', class: 'toggle' }, 'Live')
const timed = make(
  'button',
  { type: 'button', class: 'toggle', title: 'How long requests took; takes longer to read' },
  'Durations',
)
const banner = make('p', { class: 'banner', role: 'alert', hidden: true })
const heading = make('h1', { tabindex: -1 }, 'Overview')
const back = make('a', { class: 'back' }, 'Overview ›')
const facts = make('p', { class: 'facts' })
const cards = make(
  'div',
  { class: 'cards' },
  ...Array.from({ length: 4 }, () => make('div', { class: 'card' })),
)
const durations = make('div', { class: 'cards', hidden: true })
const statuses = make('div', { class: 'scroll' })
const heat = make('div', { class: 'scroll' })
const notes = make('div', { class: 'notes' })
const empty = make(
  'p',
  { class: 'empty', hidden: true },
  'Nothing was counted in this period. Choose a longer one, or add app.use(apiKeyAnalytics()) to an app and send it a request with an API key.',
)
const footer = make('footer', {}, make('p', { class: 'soft' }, 'Checking the account of all requests …'))
const main = make(
  'main',
  { 'aria-busy': 'true' },
  make('div', { class: 'title' }, back, heading, facts),
  empty,
  cards,
  durations,
  panel('Requests', 'chart-panel', chart.element),
  make('div', { class: 'lists' }, keys.element, endpoints.element),
  make(
    'div',
    { class: 'pictures' },
    panel('Hours of the week', 'heat-panel', heat),
    panel('Statuses', '', statuses),
  ),
  findings.element,
  notes,
)

let view: View = readView()
let loading = new AbortController()
let timer: number | undefined

document.body.replaceChildren(
  make('header', { class: 'top' }, home, controls.element, timed, live),
  banner,
  main,
  footer,
)
live.addEventListener('click', () => go(addressOf(view, { live: isLive() ? 'off' : '' })))
timed.addEventListener('click', () => go(addressOfTimed(view)))
addEventListener('popstate', () => show())
document.addEventListener('click', followLink)
document.addEventListener('keydown', focusSearch)
document.addEventListener('visibilitychange', () => document.hidden || load())
drawHeading()
show()

function panel(title: string, css: string, content: Node): HTMLElement {
  return make('section', { class: `panel ${css}` }, make('header', {}, make('h2', {}, title)), content)
}

function isLive(): boolean {
  return view['live'] !== 'off'
}

function isTimed(): boolean {
  return Boolean(view['latency'])
}

/** Navigates to another address of this page without a reload. */
function go(address: string): void {
  history.pushState(null, '', address)
  show()
}

function show(): void {
  const before = view
  view = readView()
  const { key, endpoint, owner } = view
  const other = ['key', 'method', 'endpoint', 'owner'].some((name) => before[name] !== view[name])
  controls.show(view)
  home.href = addressOfPage(view, {})
  back.href = home.href
  back.hidden = key === undefined && endpoint === undefined && owner === undefined
  live.setAttribute('aria-pressed', String(isLive()))
  timed.setAttribute('aria-pressed', String(isTimed()))
  keys.element.hidden = key !== undefined
  endpoints.element.hidden = endpoint !== undefined
  findings.element.hidden = !back.hidden
  showDurations()
  if (other) {
    drawHeading()
    heading.focus()
  }
  void load()
}

/**
 * Shows the durations' placeholders at once, because reading them may take seconds. The values arrive with the lists.
 */
function showDurations(): void {
  const wanted = isTimed() && !(keys.element.hidden && endpoints.element.hidden)
  if (durations.hidden && wanted) durations.replaceChildren(...drawDurations(undefined))
  durations.hidden = !wanted
  main.classList.toggle('timed', isTimed())
}

function drawHeading(): void {
  const { key, method = '', endpoint, owner } = view
  facts.replaceChildren()
  if (endpoint !== undefined) heading.replaceChildren(`${method} `, foreign(endpoint))
  else if (owner !== undefined && key === undefined) heading.replaceChildren('Owner ', foreign(owner))
  // The name of a key arrives with its facts.
  else heading.textContent = key === undefined ? 'Overview' : 'Key'
  document.title = `${heading.textContent} – API key usage`
}

/** Loads everything that is shown; each part is drawn when it arrives. */
async function load(): Promise<void> {
  clearTimeout(timer)
  loading.abort()
  loading = new AbortController()
  const { signal } = loading
  const filter = filterOf(view)
  const start = performance.now()
  main.setAttribute('aria-busy', 'true')
  try {
    await Promise.all([
      askApi<Activity>('activity', filter, signal).then(drawActivity),
      ...(keys.element.hidden ? [] : [loadList(keys, filter, signal)]),
      ...(endpoints.element.hidden ? [] : [loadList(endpoints, filter, signal)]),
      ...(view['key'] === undefined
        ? []
        : [askApi<KeyFacts>('key', { key: view['key'] }, signal).then(drawKey)]),
    ])
    warnOfUnknown()
    main.setAttribute('aria-busy', 'false')
    const took = performance.now() - start
    footer.replaceChildren(...drawFooter(await askApi<Account>('verify', {}, signal)))
    if (isLive()) schedule(Math.max(REFRESH_MS, took * REST_PER_WORK))
  } catch (error) {
    if (!signal.aborted) fail(error)
  }
}

/** Warns of an unknown parameter in the address. It may also belong to the app around this page. */
function warnOfUnknown(): void {
  const unknown = unknownIn(view)
  banner.hidden = unknown === undefined
  banner.textContent = `"${unknown}" in the address changes nothing here: this page knows ${PARAMETERS.join(', ')}.`
}

function schedule(delayMs: number): void {
  timer = window.setTimeout(() => document.hidden || void load(), delayMs)
}

/** Shows an error above the old contents and tries again, because the server may just have been restarted. */
function fail(error: unknown): void {
  loading.abort()
  main.setAttribute('aria-busy', 'false')
  banner.textContent = error instanceof ApiError ? error.message : describeFailure(error)
  banner.hidden = false
  const wrong = error instanceof ApiError && error.code === 'WRONG_USAGE'
  if (!wrong) schedule(REFRESH_MS)
}

function drawActivity(activity: Activity): void {
  cards.replaceChildren(...drawCards(activity, view['key'] !== undefined))
  chart.draw(activity)
  statuses.replaceChildren(drawStatuses(activity))
  heat.replaceChildren(
    activity.heat
      ? drawHeatMap(activity.heat)
      : make('p', { class: 'none' }, 'Choose a period of at most 400 days.'),
  )
  if (activity.wholeDayRequests > 0) {
    const count = formatCount(activity.wholeDayRequests)
    heat.append(
      make(
        'p',
        { class: 'soft' },
        `${count} requests are stored by day: they are at the hour in which it begins.`,
      ),
    )
  }
  empty.hidden = activity.total.requests > 0
  if (view['key'] === undefined) facts.textContent = describePeriods(activity)
}

/** Both periods, because the cards compare them. */
function describePeriods({ period, previous }: Activity): string {
  const compared = previous && !previous.historyBegins
  return compared ? `${period.text}, compared with ${previous.text}` : period.text
}

async function loadList(table: UsageTable, filter: View, signal: AbortSignal): Promise<void> {
  const report = await askApi<Report>('report', table.parametersOf(filter, view), signal)
  table.draw(report, filter, view)
  if (isTimed()) durations.replaceChildren(...drawDurations(report.total))
  notes.replaceChildren(...report.notes.map((note) => make('p', {}, note)))
}

function drawKey(key: KeyFacts): void {
  heading.replaceChildren(foreign(nameOfKey(key)))
  document.title = `${nameOfKey(key)} – API key usage`
  facts.replaceChildren(...drawKeyFacts(key, view['tz'] ?? 'UTC'))
}

/** Links to other views stay in this page; new tabs and downloads work as usual. */
function followLink(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest('a') : null
  const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
  if (!link || !plain || link.hasAttribute('download')) return
  event.preventDefault()
  go(link.getAttribute('href') || '?')
}

/** `/` moves the focus to the first search, as on many sites. */
function focusSearch(event: KeyboardEvent): void {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
  if (event.key !== '/' || typing || event.ctrlKey || event.metaKey) return
  event.preventDefault()
  main.querySelector<HTMLInputElement>('.list:not([hidden]) input[type=search]')?.focus()
}
