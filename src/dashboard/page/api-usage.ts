import chartStyles from './charts/chart.css'
import { Chart } from './charts/chart.ts'
import styles from './api-usage.css'
import { formatCount, formatDay, formatMoment, formatShare } from './format.ts'
import { make, showInvisible } from './make.ts'
import type { Sent } from './sent.ts'
import type * as usage from '../../model/customer-usage.ts'

type Quantities = Readonly<Record<string, string>>
/** The answer of `apiKeyUsage`. */
interface Answer extends Sent<Omit<usage.CustomerAnswer, 'completeUntil'>> {
  readonly customer: { readonly scope: string; readonly owner: string | null }
  readonly period: { readonly month: string; readonly timeZone: string; readonly complete: boolean }
  readonly completeUntil: string
}

const MONTHS = 12
const ROWS = 10

/**
 * The usage of the customer who is signed in, for the app's own portal. It asks `apiKeyUsage` at the address in `src`.
 *
 * ```html
 * <script type="module" src="/v1/usage/api-usage.js"></script>
 * <api-usage src="/v1/usage" tz="Europe/Berlin"></api-usage>
 * ```
 */
class ApiUsage extends HTMLElement {
  static readonly observedAttributes = ['src', 'month', 'tz']
  /** Headers that are sent along, such as `{ Authorization: 'Bearer …' }`. A page with a session needs none. */
  headers: Readonly<Record<string, string>> = {}
  readonly #title = make('h2', { id: 'title' }, 'API usage')
  readonly #month = make('select', { 'aria-label': 'Month' })
  readonly #failure = make('p', { class: 'bad', role: 'alert', hidden: true })
  readonly #body = make('div', { hidden: true })
  readonly #figures = make('dl')
  readonly #quotas = make('div')
  readonly #chart = new Chart()
  readonly #lists = make('div')
  readonly #complete = make('p', { class: 'soft' })
  readonly #section: HTMLElement
  #loading = new AbortController()
  #isAll = false

  constructor() {
    super()
    this.#body.append(this.#figures, this.#quotas, this.#chart.element, this.#lists, this.#complete)
    this.#section = make(
      'section',
      { 'aria-labelledby': 'title' },
      make('header', {}, this.#title, this.#month),
      this.#failure,
      this.#body,
    )
    const root = this.attachShadow({ mode: 'open' })
    // style elements would need 'unsafe-inline' in the policy of the page
    root.adoptedStyleSheets = [chartStyles, styles].map((text) => {
      const sheet = new CSSStyleSheet()
      sheet.replaceSync(text)
      return sheet
    })
    root.append(this.#section)
    this.#month.addEventListener('change', () => this.setAttribute('month', this.#month.value))
  }

  connectedCallback(): void {
    void this.load()
  }

  disconnectedCallback(): void {
    this.#loading.abort()
  }

  attributeChangedCallback(): void {
    if (this.isConnected) void this.load()
  }

  /** Asks again and draws the answer. Never rejects: the element shows what went wrong. */
  async load(): Promise<void> {
    this.#loading.abort()
    const loading = (this.#loading = new AbortController())
    this.#section.setAttribute('aria-busy', 'true')
    try {
      // what changes in one turn is one question, and the app may set headers first
      await Promise.resolve()
      if (loading.signal.aborted) return
      const answer = await this.#ask(loading.signal)
      if (loading.signal.aborted) return
      this.#draw(answer)
      this.#failure.hidden = true
      this.#body.hidden = false
    } catch (error) {
      if (loading.signal.aborted) return
      this.#failure.textContent = error instanceof Error ? error.message : String(error)
      this.#failure.hidden = false
    }
    this.#section.setAttribute('aria-busy', 'false')
  }

  async #ask(signal: AbortSignal): Promise<Answer> {
    const url = new URL(this.getAttribute('src') ?? '/v1/usage', document.baseURI)
    for (const name of ['month', 'tz']) {
      const value = this.getAttribute(name)
      if (value) url.searchParams.set(name, value)
    }
    const answer = await fetch(url, { headers: { Accept: 'application/json', ...this.headers }, signal })
    const body = (await answer.json().catch(() => undefined)) as
      | (Answer & { readonly error?: { readonly message?: string } })
      | undefined
    if (answer.ok && body?.total && body.steps) return body
    throw new Error(body?.error?.message ?? `The usage cannot be read (${answer.status}).`)
  }

  #draw(answer: Answer): void {
    const { customer, period, total, steps = [], completeUntil } = answer
    const { month, timeZone, complete } = period
    this.#title.textContent =
      customer.owner === null ? 'API usage' : `API usage of ${showInvisible(customer.owner)}`
    this.#month.replaceChildren(
      ...monthsUntil(completeUntil, timeZone, month).map((value) =>
        make('option', { value, selected: value === month }, nameOfMonth(value)),
      ),
    )
    const errors = total.clientErrors + total.serverErrors
    this.#figures.replaceChildren(
      ...drawFigure('Requests', formatCount(total.requests)),
      ...drawFigure('Errors', formatShare(total.requests ? errors / total.requests : 0)),
      ...Object.entries(total.units).flatMap(([unit, quantity]) => drawFigure(unit, formatBig(quantity))),
    )
    this.#chart.draw({ unit: 'day', steps, timeZone, text: nameOfMonth(month) })
    this.#quotas.replaceChildren(...answer.quotas.map(drawQuota))
    this.#drawLists(answer)
    const moment = formatMoment(new Date(completeUntil), timeZone, new Date(0))
    this.#complete.textContent = complete
      ? 'The month is complete.'
      : `Complete until ${moment} (${timeZone}).`
  }

  #drawLists(answer: Answer): void {
    const { endpoints = [], statements, total } = answer
    const units = Object.keys(total.units)
    const shown = this.#isAll ? endpoints : endpoints.slice(0, ROWS)
    const more = make(
      'button',
      { type: 'button', hidden: shown.length === endpoints.length },
      `Show all ${endpoints.length}`,
    )
    more.addEventListener('click', () => {
      this.#isAll = true
      this.#drawLists(answer)
    })
    this.#lists.replaceChildren(
      ...(endpoints.length > 0
        ? [
            drawTable(
              'Endpoints',
              ['Endpoint', 'Requests', 'Errors', ...units],
              shown.map((one) =>
                [
                  `${showInvisible(one.method!)} ${showInvisible(one.endpoint!)}`,
                  formatCount(one.requests),
                  formatCount(one.clientErrors + one.serverErrors),
                ].concat(units.map((unit) => formatBig(one.units[unit]))),
              ),
            ),
            more,
          ]
        : [make('p', { class: 'soft' }, 'No requests in this month.')]),
      ...(statements.length > 0 ? [drawStatements(statements)] : []),
    )
  }
}

/** The use of a quota as a bar, and in words. */
function drawQuota({ unit, per, limit, used, resetsAt, timeZone }: Answer['quotas'][number]): HTMLElement {
  const text = `${formatBig(used)} of ${formatBig(limit)} ${unit} this ${per}`
  const [value, max] = [Number(used), Number(limit)]
  const reset = formatMoment(new Date(resetsAt), timeZone, new Date(0))
  return make(
    'div',
    { class: value >= max ? 'quota over' : 'quota' },
    make('span', {}, text),
    make('span', { class: 'soft' }, `resets on ${reset}`),
    make('progress', { value: Math.min(value, max), max: Math.max(max, 1), 'aria-label': text }),
  )
}

function drawStatements(statements: Answer['statements']): HTMLElement {
  const billed = statements.map(({ usage, corrections }) => [
    usage,
    ...corrections.map(({ quantities }) => quantities),
  ])
  const units = [...new Set(billed.flat().flatMap((quantities) => Object.keys(quantities)))]
  return drawTable(
    'Statements',
    ['Statement', 'Closed', ...units],
    statements
      .toReversed()
      .map(({ number, period, closedAt }, index) =>
        [`${number} · ${period.label}`, formatDay(new Date(closedAt), period.timeZone)].concat(
          units.map((unit) => addUp(billed.at(-1 - index)!, unit)),
        ),
      ),
  )
}

/** What a statement bills: usage and corrections together. */
function addUp(all: readonly Quantities[], unit: string): string {
  return formatCount(all.reduce((sum, quantities) => sum + BigInt(quantities[unit] ?? 0), 0n))
}

function drawFigure(name: string, value: string): HTMLElement[] {
  return [make('div', {}, make('dt', {}, name), make('dd', {}, value))]
}

function drawTable(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): HTMLElement {
  return make(
    'div',
    {},
    make('h3', {}, title),
    make(
      'div',
      // it scrolls in a narrow window, and then needs the keyboard
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': title },
      make(
        'table',
        {},
        make('thead', {}, make('tr', {}, ...head.map((name) => make('th', { scope: 'col' }, name)))),
        make(
          'tbody',
          {},
          ...rows.map(([name, ...cells]) =>
            make('tr', {}, make('th', { scope: 'row' }, name), ...cells.map((cell) => make('td', {}, cell))),
          ),
        ),
      ),
    ),
  )
}

const formatBig = (quantity: string | undefined): string => formatCount(BigInt(quantity ?? 0))

/** The last months, latest first, and the one that is shown. */
function monthsUntil(iso: string, timeZone: string, shown: string): string[] {
  const [year = 0, month = 1] = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
  })
    .format(new Date(iso))
    .split('-')
    .map(Number)
  const months = Array.from({ length: MONTHS }, (_, back) =>
    new Date(Date.UTC(year, month - 1 - back, 1)).toISOString().slice(0, 7),
  )
  return [...new Set([...months, shown])].sort().reverse()
}

function nameOfMonth(month: string): string {
  return new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
    new Date(`${month}-01`),
  )
}

// a page may load the script twice
if (!customElements.get('api-usage')) customElements.define('api-usage', ApiUsage)
