import { ApiError, askApi } from './ask-api.ts'
import type { Account, Activity, KeyFacts, Report } from './ask-api.ts'
import { drawCards } from './cards.ts'
import { drawDurations } from './durations.ts'
import { drawFooter } from './footer.ts'
import { formatCount, nameOfKey } from './format.ts'
import { drawHeatMap } from './heat-map.ts'
import { drawKeyFacts } from './key-facts.ts'
import { foreign, make } from './make.ts'
import { isLive, isTimed } from './page-state.ts'
import type { Page } from './page-state.ts'
import { describeFailure } from './show-failure.ts'
import { drawStatuses } from './status-list.ts'
import type { UsageTable } from './usage-table.ts'
import { filterOf, PARAMETERS, unknownIn } from './view.ts'

const REFRESH_MS = 5000
/** Pause after a load, relative to its duration: a slow database is asked less often, so that others can use it too. */
const REST_PER_WORK = 10

/** Loads everything that is shown; each part is drawn when it arrives. A live page then loads again after a pause. */
export async function loadPage(page: Page): Promise<void> {
  clearTimeout(page.timer)
  page.loading.abort()
  page.loading = new AbortController()
  const { view, layout, loading } = page
  const { keys, endpoints, main, footer } = layout
  const { signal } = loading
  const start = performance.now()
  main.setAttribute('aria-busy', 'true')
  try {
    await Promise.all([
      askApi<Activity>('activity', filterOf(view), signal).then((activity) => drawActivity(page, activity)),
      ...[keys, endpoints].filter(({ element }) => !element.hidden).map((list) => loadList(page, list)),
      ...(view['key'] === undefined ? [] : [loadKey(page, view['key'])]),
    ])
    warnOfUnknown(page)
    main.setAttribute('aria-busy', 'false')
    const took = performance.now() - start
    footer.replaceChildren(...drawFooter(await askApi<Account>('verify', {}, signal)))
    if (isLive(page)) schedule(page, Math.max(REFRESH_MS, took * REST_PER_WORK))
  } catch (error) {
    if (!signal.aborted) fail(page, error)
  }
}

function schedule(page: Page, delayMs: number): void {
  page.timer = window.setTimeout(() => document.hidden || void loadPage(page), delayMs)
}

/** Shows an error above the old contents and tries again, because the server may just have been restarted. */
function fail(page: Page, error: unknown): void {
  const { main, banner } = page.layout
  page.loading.abort()
  main.setAttribute('aria-busy', 'false')
  banner.textContent = error instanceof ApiError ? error.message : describeFailure(error)
  banner.hidden = false
  const wrong = error instanceof ApiError && error.code === 'WRONG_USAGE'
  if (!wrong) schedule(page, REFRESH_MS)
}

/** Warns of an unknown parameter in the address. It may also belong to the app around this page. */
function warnOfUnknown({ view, layout: { banner } }: Page): void {
  const unknown = unknownIn(view)
  banner.hidden = unknown === undefined
  banner.textContent = `"${unknown}" in the address changes nothing here: this page knows ${PARAMETERS.join(', ')}.`
}

function drawActivity({ view, layout }: Page, activity: Activity): void {
  const { cards, chart, statuses, heat, empty, facts } = layout
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

async function loadList(page: Page, list: UsageTable): Promise<void> {
  const { view, loading } = page
  const { durations, notes } = page.layout
  const filter = filterOf(view)
  const report = await askApi<Report>('report', list.parametersOf(filter, view), loading.signal)
  list.draw(report, filter, view)
  if (isTimed(page)) durations.replaceChildren(...drawDurations(report.total))
  notes.replaceChildren(...report.notes.map((note) => make('p', {}, note)))
}

async function loadKey({ view, loading, layout: { heading, facts } }: Page, id: string): Promise<void> {
  const key = await askApi<KeyFacts>('key', { key: id }, loading.signal)
  heading.replaceChildren(foreign(nameOfKey(key)))
  document.title = `${nameOfKey(key)} – API key usage`
  facts.replaceChildren(...drawKeyFacts(key, view['tz'] ?? 'UTC'))
}
