import { formatInstant } from '../calendar.ts'
import { padText, widthOf } from './fit-text.ts'
import { formatCount } from './format-cell.ts'
import { paint } from './render-table.ts'
import type { Screen } from './render-table.ts'
import { condense } from './sparkline.ts'
import type { ReportSeries } from './usage-report.ts'

const BARS = ' ▁▂▃▄▅▆▇█'
const HEIGHT = 6
const PIPE_WIDTH = 80
const WIDEST_BAR = 3

/** A chart of bars over time with the largest value on its axis; empty for a series without requests. */
export function renderChart({ unit, steps }: ReportSeries, screen: Screen, timeZone: string): string {
  const most = Math.max(0, ...steps.map(({ requests }) => requests))
  const [first, last] = [steps[0], steps.at(-1)]
  if (most === 0 || !first || !last) return ''
  const axis = formatCount(most)
  const room = Math.min(screen.width ?? PIPE_WIDTH, 120) - axis.length - 3
  const points = condense(
    steps.map(({ requests }) => requests),
    room,
  )
  const barWidth = Math.max(1, Math.min(WIDEST_BAR, Math.floor(room / points.length)))
  const lines = Array.from({ length: HEIGHT }, (_, line) => {
    const floor = HEIGHT - 1 - line
    const bars = points.map((value) =>
      barAt((value / Math.max(...points)) * HEIGHT - floor, value > 0 && floor === 0),
    )
    const label = line === 0 ? axis : floor === 0 ? '0' : ''
    const drawn = bars.map((bar) => bar.repeat(barWidth)).join('')
    return `${padText(label, axis.length, 'right')} ${paint('dim', '┤', screen)}${paint('cyan', drawn, screen)}`.trimEnd()
  })
  const [from, to] = [first, last].map(({ start }) => formatInstant(start, timeZone, unit)) as [
    string,
    string,
  ]
  const span = points.length * barWidth
  const gap = Math.max(1, span - widthOf(from) - widthOf(to))
  const title = paint('bold', `Requests per ${unit}`, screen)
  const dates = points.length > 1 ? `${from}${' '.repeat(gap)}${to}` : from
  return `${[title, ...lines, paint('dim', `${' '.repeat(axis.length + 2)}${dates}`, screen)].join('\n')}\n`
}

function barAt(height: number, atLeastOne: boolean): string {
  const eighths = Math.max(atLeastOne ? 1 : 0, Math.min(8, Math.round(height * 8)))
  return BARS[eighths] ?? ' '
}
