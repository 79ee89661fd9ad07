import { ApiError, askApi } from './ask-api.ts'
import type { Account, Activity, KeyFacts } from './ask-api.ts'
import { drawCards } from './panels/cards.ts'
import { drawDurations } from './lists/durations.ts'
import { drawFooter } from './panels/footer.ts'
import { nameOfAmount } from '../../report/usage/amount.ts'
import { amountIn, formatCount, displayNameOf, toAmount } from './format.ts'
import { drawHeatMap } from './charts/heat-map.ts'
import { drawKeyFacts } from './panels/key-facts.ts'
import { foreign, make } from './make.ts'
import { isLive, isTimed } from './page-state.ts'
import type { Page } from './page-state.ts'
import { describeFailure } from './show-failure.ts'
import { drawStatuses } from './panels/status-list.ts'
import type { UsageTable } from './lists/usage-table.ts'
import { filterOf } from './view.ts'

const REFRESH_MS = 5000
/** Pause after a load, relative to its duration: a slow database is asked less often, so that others can use it too. */
const REST_PER_WORK = 10

/** Loads everything that is shown; each part is drawn when it arrives. A live page then loads again after a pause. */
export async function loadPage(page: Page): Promise<void> {
  clearTimeout(page.timer)
  page.loading.abort()
  page.loading = new AbortController()
  const { view, layout, loading } = page
  const { main, footer } = layout
  const { signal } = loading
  const start = performance.now()
  main.setAttribute('aria-busy', 'true')
  try {
    const notes = view['statement'] === undefined ? await loadUsage(page) : await loadStatements(page)
    layout.failure.hidden = true
    drawNotes(page, notes)
    main.setAttribute('aria-busy', 'false')
    const took = performance.now() - start
    const account = await askApi<Account>('verify', {}, signal)
    footer.replaceChildren(...drawFooter(account))
    layout.units.offer(account.units.map(({ unit }) => unit))
    if (isLive(page) && view['statement'] === undefined)
      schedule(page, Math.max(REFRESH_MS, took * REST_PER_WORK))
  } catch (error) {
    if (!signal.aborted) fail(page, error)
  }
}

/** @returns what a reader has to know about the numbers */
async function loadUsage(page: Page): Promise<readonly string[]> {
  const { view, loading, layout } = page
  const { lists, month, quotas, routes } = layout
  const [notes] = await Promise.all([
    Promise.all(lists.filter((list) => list.isIn(view)).map((list) => loadList(page, list))),
    askApi<Activity>('activity', filterOf(view), loading.signal).then((activity) =>
      drawActivity(page, activity),
    ),
    quotas.load(view, loading.signal),
    routes.load(view, loading.signal),
    ...(month.element.hidden ? [] : [month.load(view, loading.signal)]),
    ...(view['key'] === undefined ? [] : [loadKey(page, view['key'])]),
  ])
  return notes.flat()
}

async function loadStatements({ view, loading, layout }: Page): Promise<readonly string[]> {
  const shown = await layout.statements.load(view, loading.signal)
  if (!shown) return []
  const title = `Statement ${shown.number}: ${shown.period.label}`
  layout.heading.textContent = title
  document.title = `${title} – API key usage`
  return []
}

function schedule(page: Page, delayMs: number): void {
  page.timer = window.setTimeout(() => document.hidden || void loadPage(page), delayMs)
}

/** Shows an error above the old contents and tries again, because the server may just have been restarted. */
function fail(page: Page, error: unknown): void {
  const { main, failure } = page.layout
  page.loading.abort()
  main.setAttribute('aria-busy', 'false')
  failure.textContent = error instanceof ApiError ? error.message : describeFailure(error)
  failure.hidden = false
  const wrong = error instanceof ApiError && error.code === 'WRONG_USAGE'
  if (!wrong) schedule(page, REFRESH_MS)
}

/** What a reader has to know about the numbers; lists may say the same. */
function drawNotes({ layout }: Page, notes: readonly string[]): void {
  layout.notes.replaceChildren(...[...new Set(notes)].map((note) => make('p', {}, note)))
}

function drawActivity({ view, layout }: Page, activity: Activity): void {
  const { cards, chart, statuses, heat, empty, facts } = layout
  cards.replaceChildren(...drawCards(activity, view['key'] !== undefined))
  const { series, period } = activity
  chart.draw({ ...series, counted: activity.unit, timeZone: period.timeZone, text: period.text })
  statuses.replaceChildren(drawStatuses(activity))
  heat.replaceChildren(
    activity.heat
      ? drawHeatMap(activity.heat, activity.unit)
      : make('p', { class: 'none' }, 'Choose a period of at most 400 days.'),
  )
  const wholeDays = toAmount(activity.wholeDayAmount)
  if (wholeDays > 0) {
    const what = `${formatCount(wholeDays)} ${nameOfAmount(activity.unit)}`
    heat.append(
      make('p', { class: 'soft' }, `${what} are stored by day: they are at the hour in which it begins.`),
    )
  }
  empty.hidden = activity.total.requests > 0 || amountIn(activity.total) > 0
  if (view['key'] === undefined) facts.textContent = describePeriods(activity)
}

/** Both periods, because the cards compare them. */
function describePeriods({ period, previous }: Activity): string {
  const compared = previous && !previous.historyBegins
  return compared ? `${period.text}, compared with ${previous.text}` : period.text
}

/** @returns the notes of the list */
async function loadList(page: Page, list: UsageTable): Promise<readonly string[]> {
  const { total, notes } = await list.load(page.view, page.loading.signal)
  if (isTimed(page)) page.layout.durations.replaceChildren(...drawDurations(total))
  return notes
}

async function loadKey({ view, loading, layout: { heading, facts } }: Page, id: string): Promise<void> {
  const key = await askApi<KeyFacts>('key', { key: id }, loading.signal)
  heading.replaceChildren(foreign(displayNameOf(key)))
  document.title = `${displayNameOf(key)} – API key usage`
  facts.replaceChildren(...drawKeyFacts(key, view))
}
