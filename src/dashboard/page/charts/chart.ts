import { sumAmounts, titleOfAmount } from '../../../report/usage/amount.ts'
import type { SentAmount } from '../ask-api.ts'
import { formatCount, formatShort, formatTime, toAmount } from '../format.ts'
import { make, makeSvg } from '../make.ts'

/** What a chart shows. Times are ISO texts. */
export interface ChartedUsage {
  readonly unit: 'hour' | 'day' | 'week' | 'month'
  /** What is counted; undefined for requests. */
  readonly counted?: string | undefined
  /** `statuses`: amounts by status class, 1xx to 5xx. */
  readonly steps: readonly { readonly start: string; readonly statuses: readonly SentAmount[] }[]
  readonly timeZone: string
  /** The period in words. */
  readonly text: string
}

/** Indexes into `statuses`, from the bottom of a bar to its top: successes are at the bottom. */
const STACK = [1, 2, 0, 3, 4]
const NAMES = ['1xx', '2xx', '3xx', '4xx', '5xx']
const HEIGHT = 220
/** Space around the bars, pixels: for the numbers, and for the dates. */
const [LEFT, RIGHT, TOP, BOTTOM] = [48, 16, 10, 26]
/** Hours have their date in a second line. */
const BOTTOM_OF_HOURS = 42
const WIDEST_BAR = 48
const LEAST_BETWEEN_LABELS = 62
/** Every how many bars there may be a date. */
const DISTANCES = {
  hour: [1, 2, 3, 4, 6, 12, 24],
  day: [1, 2, 3, 5, 7, 10, 14, 21, 28],
  week: [1, 2, 4, 8, 13, 26],
  month: [1, 2, 3, 6, 12, 24, 60, 120],
}

/**
 * Requests, or a unit, over time, stacked by status class. Arrow keys move along the bars; the line below shows the
 * counts of a bar.
 */
export class Chart {
  readonly element: HTMLElement
  readonly #canvas = make('div', {
    class: 'canvas',
    tabindex: 0,
    role: 'img',
    'aria-label': 'Requests over time',
  })
  readonly #readout = make('p', { class: 'readout', 'aria-live': 'polite' })
  readonly #mark = makeSvg('rect', { class: 'mark', y: TOP })
  #usage: ChartedUsage | undefined
  #index: number | undefined
  #bars: Scale = { left: LEFT, width: 0, height: 0 }

  constructor() {
    this.element = make('div', { class: 'chart' }, this.#canvas, this.#readout)
    this.#canvas.addEventListener('keydown', (event) => this.#move(event))
    this.#canvas.addEventListener('pointermove', ({ clientX }) => this.#point(clientX))
    this.#canvas.addEventListener('pointerleave', () => this.#show(undefined))
    new ResizeObserver(() => this.draw()).observe(this.#canvas)
  }

  /** Draws usage, or the last one again in the present width. */
  draw(usage = this.#usage): void {
    const width = this.#canvas.clientWidth
    if (!usage) return
    this.#usage = usage
    const { unit } = usage
    // a bar need not be exact
    const steps = usage.steps.map(({ statuses }) => statuses.map(Number))
    const bottom = unit === 'hour' ? BOTTOM_OF_HOURS : BOTTOM
    const most = Math.max(5, ...steps.map(sum))
    const [top, ticks] = chooseTicks(most)
    const bars = {
      left: LEFT,
      width: Math.max(0, width - LEFT - RIGHT) / Math.max(1, steps.length),
      height: HEIGHT - TOP - bottom,
    }
    this.#bars = bars
    const yOf = (requests: number) => TOP + bars.height * (1 - requests / top)
    const lines = ticks.map((tick) =>
      makeSvg(
        'g',
        {},
        makeSvg('path', {
          class: 'grid',
          d: `M${LEFT} ${round(yOf(tick))}H${Math.max(LEFT, width - RIGHT)}`,
        }),
        makeText(formatShort(tick), { x: LEFT - 8, y: yOf(tick) + 4, 'text-anchor': 'end' }),
      ),
    )
    this.#mark.setAttribute('height', String(bars.height))
    this.#canvas.replaceChildren(
      makeSvg(
        'svg',
        { width, height: HEIGHT, 'aria-hidden': 'true' },
        ...lines,
        this.#mark,
        ...STACK.map((statusClass, layer) =>
          makeSvg('path', {
            class: `bar class-${statusClass + 1}`,
            d: steps.map((statuses, index) => drawBar(bars, index, statuses, layer, yOf)).join(''),
          }),
        ),
        ...drawDates(usage, bars),
      ),
    )
    this.#canvas.setAttribute('aria-label', describeUsage(usage))
    this.#show(this.#index !== undefined && this.#index < steps.length ? this.#index : undefined)
  }

  #point(clientX: number): void {
    const { left, width } = this.#bars
    const index = Math.floor((clientX - this.#canvas.getBoundingClientRect().left - left) / width)
    this.#show(this.#usage?.steps[index] ? index : undefined)
  }

  #move(event: KeyboardEvent): void {
    const count = this.#usage?.steps.length ?? 0
    const now = this.#index ?? (event.key === 'ArrowLeft' ? count : -1)
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: count - 1 }[event.key]
    if (next === undefined || count === 0) return
    event.preventDefault()
    this.#show(Math.min(count - 1, Math.max(0, next)))
  }

  /** Shows the counts of a bar; without one, the totals with the meaning of the colours. */
  #show(index: number | undefined): void {
    if (!this.#usage) return
    const { steps, timeZone, unit, counted } = this.#usage
    const step = index === undefined ? undefined : steps[index]
    this.#index = step && index
    const counts = NAMES.map((_, statusClass) => {
      const ofClass = (step ? [step] : steps).map(({ statuses }) => toAmount(statuses[statusClass] ?? 0))
      return sumAmounts(ofClass, counted)
    })
    const when = step ? formatTime(step.start, timeZone, unit) : 'All'
    const parts = [1, 2, 3, 4, 0].flatMap((statusClass) => {
      const empty = statusClass === 0 && !counts[0]
      if (empty) return []
      const swatch = make('i', { class: `swatch class-${statusClass + 1}` })
      const count = make('b', {}, formatCount(counts[statusClass] ?? 0))
      return [make('span', {}, swatch, `${NAMES[statusClass]} `, count)]
    })
    this.#readout.replaceChildren(
      make('span', { class: 'when' }, `${when} `, make('b', {}, formatCount(sumAmounts(counts, counted)))),
      ...parts,
    )
    const { left, width } = this.#bars
    this.#mark.setAttribute('x', String(round(left + (this.#index ?? 0) * width)))
    this.#mark.setAttribute('width', String(this.#index === undefined ? 0 : round(width)))
  }
}

/** Where the bars are, in pixels: the first one, the room of each, and the height of the highest possible. */
interface Scale {
  readonly left: number
  readonly width: number
  readonly height: number
}

/** One layer of a bar: what is above the layers below it. */
function drawBar(
  { left, width }: Scale,
  index: number,
  statuses: readonly number[],
  layer: number,
  yOf: (requests: number) => number,
): string {
  const below = sum(STACK.slice(0, layer).map((statusClass) => statuses[statusClass] ?? 0))
  const requests = statuses[STACK[layer]!] ?? 0
  if (requests === 0) return ''
  const wide = Math.max(1, Math.min(width * 0.8, WIDEST_BAR))
  const x = left + index * width + (width - wide) / 2
  return `M${round(x)} ${round(yOf(below))}H${round(x + wide)}V${round(yOf(below + requests))}H${round(x)}Z`
}

/** The highest number of the axis, and its round steps: at most five. */
function chooseTicks(most: number): [top: number, ticks: number[]] {
  const rough = most / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const distance = Math.max(1, [1, 2, 5, 10].find((digit) => digit * power >= rough)! * power)
  const count = Math.floor(most / distance)
  return [most * 1.05, Array.from({ length: count + 1 }, (_, tick) => tick * distance)]
}

/** The dates below the bars: as many as there is room for. */
function drawDates({ steps, unit, timeZone }: ChartedUsage, { left, width }: Scale): SVGElement[] {
  const possible = DISTANCES[unit]
  const every = possible.find((bars) => bars * width >= LEAST_BETWEEN_LABELS) ?? possible.at(-1)!
  const first = steps[0]
  // hours and months are dated by the clock and the calendar, days and weeks from the first one on
  const offset =
    first && unit === 'hour'
      ? hourOf(first.start, timeZone)
      : first && unit === 'month'
        ? monthOf(first.start, timeZone)
        : 0
  return steps.flatMap(({ start }, index) => {
    const number = unit === 'hour' ? hourOf(start, timeZone) : index + offset
    if (number % every !== 0) return []
    const [text, below] = labelOf(start, unit, timeZone, index < every)
    const x = left + (index + (unit === 'hour' ? 0 : 0.5)) * width
    const label = (line: string, y: number) =>
      makeText(line, { x, y, 'text-anchor': unit === 'hour' ? 'start' : 'middle' })
    const y = HEIGHT - (unit === 'hour' ? BOTTOM_OF_HOURS : BOTTOM) + 18
    return below ? [label(text, y), label(below, y + 15)] : [label(text, y)]
  })
}

function labelOf(
  start: string,
  unit: ChartedUsage['unit'],
  timeZone: string,
  isFirst: boolean,
): [text: string, below: string | undefined] {
  const format = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat('en-GB', { timeZone, ...options }).format(new Date(start))
  if (unit === 'month') return [format({ month: 'short', year: 'numeric' }), undefined]
  const day = format({ day: 'numeric', month: 'short' })
  if (unit !== 'hour') return [day, undefined]
  const hour = hourOf(start, timeZone)
  return [`${String(hour).padStart(2, '0')}:00`, isFirst || hour === 0 ? day : undefined]
}

const hourOf = (start: string, timeZone: string): number => Number(formatTime(start, timeZone).slice(-5, -3))
const monthOf = (start: string, timeZone: string): number =>
  Number(formatTime(start, timeZone).slice(5, 7)) - 1

function makeText(text: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = makeSvg('text', attributes)
  element.textContent = text
  return element
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
const round = (pixels: number): number => Math.round(pixels * 10) / 10

function describeUsage({ steps, unit, text, counted }: ChartedUsage): string {
  const amounts = steps.flatMap(({ statuses }) => statuses.map(toAmount))
  const total = sumAmounts(amounts, counted)
  return `${titleOfAmount(counted)} per ${unit}, ${text}: ${formatCount(total)} in all. Arrow keys read the bars.`
}
