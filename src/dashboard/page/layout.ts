import { makeAlertsPanel } from './panels/alerts.ts'
import { Chart } from './charts/chart.ts'
import { Controls } from './controls/controls.ts'
import type { Addresses } from './panels/draw-notice.ts'
import { makeFindingsPanel } from './panels/findings.ts'
import { make } from './make.ts'
import { MonthPanel } from './panels/month-panel.ts'
import { QuotaPanel } from './panels/quotas.ts'
import { RoutePanel } from './panels/routes.ts'
import { StatementsView } from './statements/statements-view.ts'
import { UnitSelect } from './controls/unit-select.ts'
import { UsageTable } from './lists/usage-table.ts'
import type { TableKind } from './lists/usage-table.ts'

/** The parts of the page. They are made once; each load changes what is in them. */
export type Layout = ReturnType<typeof makeLayout>

/** What the parts need from the page around them. */
export interface Navigation extends Addresses {
  /** Navigates to another address of this page. */
  readonly go: (address: string) => void
  /** Shows a unit instead of requests; an empty text is requests. */
  readonly chooseUnit: (unit: string) => void
}

const LISTS: readonly TableKind[] = [
  {
    name: 'c',
    title: 'Customers',
    width: 'half beside',
    isIn: ({ key, owner }) => key === undefined && owner === undefined,
  },
  { name: 'k', title: 'Keys', by: 'key', width: 'half', isIn: ({ key }) => key === undefined },
  {
    name: 'k',
    title: 'Linked keys',
    by: 'key',
    width: 'full',
    parameters: { links: 'parts' },
    leastCount: 2,
    isIn: ({ key, links }) => key !== undefined && links === undefined,
  },
  {
    name: 'e',
    title: 'Endpoints',
    by: 'method,endpoint',
    width: 'full',
    isIn: ({ endpoint }) => endpoint === undefined,
  },
]

/** Makes the parts of the page and puts them into its body. */
export function makeLayout(body: HTMLElement, { go, chooseUnit, ...addresses }: Navigation) {
  const controls = new Controls(go)
  const chart = new Chart()
  const lists = LISTS.map((kind) => new UsageTable(kind, go))
  const month = new MonthPanel()
  const quotas = new QuotaPanel()
  const routes = new RoutePanel()
  const findings = makeFindingsPanel(addresses)
  const alerts = makeAlertsPanel(addresses)
  const statements = new StatementsView(go)
  const toStatements = make('a', { class: 'to-statements' }, 'Statements')
  const home = make('a', { class: 'home' }, 'API key usage')
  const live = make('button', { type: 'button', class: 'toggle' }, 'Live')
  const units = new UnitSelect(chooseUnit)
  const timed = make(
    'button',
    { type: 'button', class: 'toggle', title: 'How long requests took; takes longer to read' },
    'Durations',
  )
  const failure = make('p', { class: 'banner failure', role: 'alert', hidden: true })
  const warning = make('p', { class: 'banner warning', role: 'status', hidden: true })
  const heading = make('h1', { tabindex: -1 }, 'Overview')
  const back = make('nav', { class: 'back', 'aria-label': 'Back' })
  const chartTitle = make('h2')
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
  const usage = make(
    'div',
    { class: 'parts' },
    empty,
    cards,
    durations,
    quotas.element,
    makePanel(chartTitle, 'chart-panel', chart.element),
    make('div', { class: 'lists' }, month.element, ...lists.map(({ element }) => element)),
    make(
      'div',
      { class: 'pictures' },
      makePanel('Hours of the week', 'heat-panel', heat),
      makePanel('Statuses', '', statuses),
    ),
    routes.element,
    alerts.element,
    findings.element,
    notes,
  )
  const main = make(
    'main',
    { 'aria-busy': 'true' },
    make('div', { class: 'title' }, back, heading, facts, toStatements),
    usage,
    statements.element,
  )
  body.replaceChildren(
    make('header', { class: 'top' }, home, controls.element, units.element, timed, live),
    failure,
    warning,
    main,
    footer,
  )
  return {
    controls,
    chart,
    lists,
    month,
    quotas,
    routes,
    alerts,
    findings,
    home,
    live,
    units,
    timed,
    chartTitle,
    failure,
    warning,
    heading,
    back,
    facts,
    cards,
    durations,
    statuses,
    heat,
    notes,
    empty,
    footer,
    main,
    usage,
    statements,
    toStatements,
  }
}

function makePanel(title: HTMLElement | string, css: string, content: Node): HTMLElement {
  const heading = typeof title === 'string' ? make('h2', {}, title) : title
  return make('section', { class: `panel ${css}` }, make('header', {}, heading), content)
}
