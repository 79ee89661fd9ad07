import { formatInstant, wallTimeOf } from '../../time/calendar.ts'
import { amountOf, titleOfAmount, zeroOf } from '../usage/amount.ts'
import { formatCount } from '../../terminal/format-number.ts'
import { paint } from '../../terminal/screen.ts'
import type { Screen } from '../../terminal/screen.ts'
import { condense } from '../../terminal/sparkline.ts'
import type { ReportSeries } from '../usage/usage-report.ts'

const BARS = ' ▁▂▃▄▅▆▇█'
const HEIGHT = 6
const PIPE_WIDTH = 80
/** A bar and the gap after it; without room for both, there are no gaps. */
const WIDEST_SLOT = 4
const GAP_BETWEEN_DATES = 2
/** Hours between two times on the axis, so that they are the same hours every day. */
const HOUR_STRIDES = [1, 2, 3, 4, 6, 12, 24]

/**
 * A chart of bars over time with the highest bar on its axis, of requests or of the quantity of a unit; empty for a
 * series without any.
 */
export function renderChart(
  { unit, steps }: ReportSeries,
  screen: Screen,
  timeZone: string,
  counted?: string,
): string {
  const amounts = steps.map(amountOf)
  const most = amounts.reduce((a, b) => (a > b ? a : b), zeroOf(counted))
  if (!most) return ''
  const room = Math.min(screen.width ?? PIPE_WIDTH, 120) - formatCount(most).length - 3
  const points = condense(amounts.map(Number), room)
  const slot = Math.max(1, Math.min(WIDEST_SLOT, Math.floor(room / points.length)))
  const highest = Math.max(...points)
  // without room for every step a bar is a mean, and the axis is that of the bars
  const axis = formatCount(points.length === steps.length ? most : Math.round(highest))
  const lines = Array.from({ length: HEIGHT }, (_, line) => {
    const floor = HEIGHT - 1 - line
    const bars = points.map((value) => barAt((value / highest) * HEIGHT - floor, value > 0 && floor === 0))
    const label = line === 0 ? axis : floor === 0 ? '0' : ''
    const drawn = bars.map((bar) => (slot > 1 ? bar.repeat(slot - 1).padEnd(slot) : bar)).join('')
    return `${label.padStart(axis.length)} ${paint('dim', '┤', screen)}${paint('cyan', drawn, screen)}`.trimEnd()
  })
  const starts = points.map((_, point) => steps[Math.floor((point * steps.length) / points.length)]!.start)
  const title = paint('bold', `${titleOfAmount(counted)} per ${unit}`, screen)
  const dates = `${' '.repeat(axis.length + 2)}${writeDates(starts, unit, slot, room, timeZone)}`
  return `${[title, ...lines, paint('dim', dates, screen)].join('\n')}\n`
}

function barAt(height: number, atLeastOne: boolean): string {
  const eighths = Math.max(atLeastOne ? 1 : 0, Math.min(8, Math.round(height * 8)))
  return BARS[eighths] ?? ' '
}

/** The line below the bars: a date at regular distances, each where its bar begins. */
function writeDates(
  starts: readonly Date[],
  unit: ReportSeries['unit'],
  slot: number,
  room: number,
  timeZone: string,
): string {
  const widest = unit === 'month' ? 7 : 5
  const least = Math.ceil((widest + GAP_BETWEEN_DATES) / slot)
  const stride = unit === 'hour' ? (HOUR_STRIDES.find((hours) => hours >= least) ?? least) : least
  let line = ''
  for (const [index, start] of starts.entries()) {
    const { hour } = wallTimeOf(start, timeZone)
    const isMarked = unit === 'hour' && stride <= 24 ? hour % stride === 0 : index % stride === 0
    const from = index * slot
    const date = dateBelow(start, unit, line === '', timeZone)
    const fits = from === 0 || from >= line.length + GAP_BETWEEN_DATES
    if ((isMarked || index === 0) && fits && from + date.length <= room) line = line.padEnd(from) + date
  }
  return line
}

/** The first date in full, so that the year is there; then `11-26`, and `14:00` for hours within a day. */
function dateBelow(start: Date, unit: ReportSeries['unit'], isFirst: boolean, timeZone: string): string {
  const full = formatInstant(start, timeZone, unit)
  if (isFirst || unit === 'month') return full
  if (unit !== 'hour') return full.slice(5)
  return full.endsWith(' 00:00') ? full.slice(5, 10) : full.slice(11)
}
