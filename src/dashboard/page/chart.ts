import uPlot from 'uplot'
import { sumAmounts, titleOfAmount } from '../../report/amount.ts'
import type { Activity, SentAmount } from './ask-api.ts'
import { amountIn, formatCount, formatShort, formatTime, toAmount } from './format.ts'
import { make } from './make.ts'

/** Indexes into `statuses`, from the bottom of a bar to its top: successes are at the bottom. */
const STACK = [1, 2, 0, 3, 4]
const NAMES = ['1xx', '2xx', '3xx', '4xx', '5xx']
const HEIGHT = 220
const HOUR = 3600
const DAY = 24 * HOUR
const MONTH = 30 * DAY
const YEAR = 365 * DAY
/** Possible distances between two dates below the chart, in seconds; uPlot knows the real lengths of months. */
const DISTANCES = [
  ...[1, 2, 3, 4, 6, 8, 12].map((hours) => hours * HOUR),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15].map((days) => days * DAY),
  ...[1, 2, 3, 4, 6].map((months) => months * MONTH),
  ...[1, 2, 5, 10].map((years) => years * YEAR),
]
const UNIT_SECONDS = { hour: HOUR, day: DAY, week: 7 * DAY, month: 28 * DAY }

/**
 * Requests, or a unit, over time, stacked by status class. Arrow keys move along the bars; the line below shows the counts of a
 * bar.
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
  #plot: uPlot | undefined
  #activity: Activity | undefined
  #index: number | undefined

  constructor() {
    this.element = make('div', { class: 'chart' }, this.#canvas, this.#readout)
    this.#canvas.addEventListener('keydown', (event) => this.#move(event))
    new ResizeObserver(() =>
      this.#plot?.setSize({ width: this.#canvas.clientWidth, height: HEIGHT }),
    ).observe(this.#canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw())
  }

  /** Draws an activity, or the last one again with the current colours. */
  draw(activity = this.#activity): void {
    if (!activity) return
    this.#activity = activity
    const { steps, unit } = activity.series
    const times = steps.map(({ start }) => Date.parse(start) / 1000)
    // Each bar is drawn from the baseline, the highest first, so that the lower ones cover it.
    const layers = STACK.map((_, layer) => {
      const classes = STACK.slice(0, STACK.length - layer)
      return steps.map(({ statuses }) =>
        classes.reduce((sum, index) => sum + Number(statuses[index] ?? 0), 0),
      )
    })
    this.#plot?.destroy()
    this.#plot = new uPlot(
      this.#options(times, unit, activity.period.timeZone),
      [times, ...layers],
      this.#canvas,
    )
    this.#canvas.setAttribute('aria-label', describeActivity(activity))
    this.#show(this.#index)
  }

  #options(times: readonly number[], unit: Activity['series']['unit'], timeZone: string): uPlot.Options {
    const style = getComputedStyle(this.#canvas)
    const colour = (name: string) => style.getPropertyValue(name).trim()
    const font = `12px ${style.fontFamily}`
    const axis = { stroke: colour('--soft'), font, ticks: { show: false } }
    const grid = { stroke: colour('--line'), width: 1 }
    const first = times[0] ?? 0
    const end = (times.at(-1) ?? first) + UNIT_SECONDS[unit]
    return {
      width: this.#canvas.clientWidth,
      height: HEIGHT,
      padding: [8, 32, 0, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), timeZone),
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { range: () => [first, end] },
        y: { range: (_plot, _low, high) => [0, Math.max(high * 1.05, 5)] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 60,
          size: unit === 'hour' ? 44 : 28,
          // with one bar per day there are no times of day to show
          incrs: unit === 'hour' ? DISTANCES : DISTANCES.filter((seconds) => seconds >= DAY),
          values: DATES,
        },
        {
          ...axis,
          grid,
          size: 48,
          incrs: [
            1,
            2,
            5,
            10,
            20,
            50,
            ...Array.from({ length: 18 }, (_, power) => power + 2).flatMap((power) =>
              [1, 2, 5].map((digit) => digit * 10 ** power),
            ),
          ],
          values: (_plot, values) => values.map(formatShort),
        },
      ],
      series: [
        {},
        ...STACK.toReversed().map((index) => ({
          fill: colour(`--class-${index + 1}`),
          width: 0,
          points: { show: false },
          paths: uPlot.paths.bars!({ size: [0.8, 48], align: 1, radius: 0 }),
        })),
      ],
      hooks: { setCursor: [({ cursor }) => this.#show(cursor.idx ?? undefined)] },
    }
  }

  #move(event: KeyboardEvent): void {
    const count = this.#activity?.series.steps.length ?? 0
    const now = this.#index ?? (event.key === 'ArrowLeft' ? count : -1)
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: count - 1 }[event.key]
    if (next === undefined) return
    event.preventDefault()
    const index = Math.min(count - 1, Math.max(0, next))
    const time = this.#plot?.data[0][index]
    if (!this.#plot || time === undefined) return
    this.#plot.setCursor({ left: this.#plot.valToPos(time, 'x') + 1, top: 0 }, false)
    this.#show(index)
  }

  /** Shows the counts of a bar; without one, the totals with the meaning of the colours. */
  #show(index: number | undefined): void {
    if (!this.#activity) return
    const { period, series, statuses, unit } = this.#activity
    const step = index === undefined ? undefined : series.steps[index]
    this.#index = step && index
    const sum = (amounts: readonly SentAmount[]) => sumAmounts(amounts.map(toAmount), unit)
    const counts = step
      ? step.statuses.map(toAmount)
      : NAMES.map((_, index) => {
          const ofClass = statuses.filter(({ status }) => Math.floor(status / 100) === index + 1)
          return sum(ofClass.map(({ amount }) => amount))
        })
    const total = sumAmounts(counts, unit)
    const when = step ? formatTime(step.start, period.timeZone, series.unit) : 'All'
    const parts = [1, 2, 3, 4, 0].flatMap((index) => {
      const empty = index === 0 && !counts[0]
      if (empty) return []
      const swatch = make('i', { class: `swatch class-${index + 1}` })
      return [make('span', {}, swatch, `${NAMES[index]} `, make('b', {}, formatCount(counts[index] ?? 0)))]
    })
    this.#readout.replaceChildren(
      make('span', { class: 'when' }, `${when} `, make('b', {}, formatCount(total))),
      ...parts,
    )
  }
}

/** Labels of the time axis by the distance of its ticks: hours, days, months, years. */
const DATES: uPlot.Axis.Values = [
  [28 * 86_400, '{MMM} {YYYY}', null, null, null, null, null, null, 1],
  [86_400, '{D} {MMM}', null, null, null, null, null, null, 1],
  [3600, '{HH}:00', '\n{D} {MMM}', null, '\n{D} {MMM}', null, null, null, 1],
  [60, '{HH}:{mm}', '\n{D} {MMM}', null, '\n{D} {MMM}', null, null, null, 1],
]

function describeActivity({ total, period, series, unit }: Activity): string {
  return `${titleOfAmount(unit)} per ${series.unit}, ${period.text}: ${formatCount(amountIn(total))} in all. Arrow keys read the bars.`
}
