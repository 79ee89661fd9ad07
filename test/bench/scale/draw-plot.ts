/** One line of a plot. */
export interface Line {
  readonly name: string
  /** Steps on the x axis and milliseconds. */
  readonly points: readonly (readonly [x: number, ms: number])[]
}

/** One plot: x and y are logarithmic, so a cost that stays the same is a flat line and one in proportion a slope. */
export interface Panel {
  readonly title: string
  readonly xLabel: string
  readonly lines: readonly Line[]
}

// Each is seen as well on GitHub's white as on its black: an image cannot know which theme a reader has chosen.
const INK = '#7a8087'
const FAINT = 'rgba(122, 128, 135, 0.25)'
const COLOURS = ['#2f81f7', '#d0680b', '#2b9a48', '#a05cf0', '#d6409f']
const MARKS = ['circle', 'square', 'diamond', 'triangle', 'ring'] as const

const PANEL = { width: 300, height: 300, left: 64, top: 44, gap: 28 }
const LEGEND_LINE = 20

/** Draws panels side by side with one y axis in milliseconds; legends below. @returns an SVG document */
export function drawPlot(panels: readonly Panel[]): string {
  const values = panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(([, ms]) => ms)))
  const y = decades(Math.min(...values), Math.max(...values))
  const legendLines = Math.max(...panels.map(({ lines }) => lines.length))
  const width = PANEL.left + panels.length * (PANEL.width + PANEL.gap)
  const height = PANEL.top + PANEL.height + 56 + legendLines * LEGEND_LINE
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    `  font-family="system-ui, sans-serif" font-size="13" fill="${INK}" role="img" aria-label="Cost as data grow">`,
    ...panels.map((panel, index) => drawPanel(panel, index, y)),
    '</svg>\n',
  ].join('\n')
}

type Span = readonly [from: number, to: number]

/** The powers of ten around some values. */
function decades(least: number, most: number): Span {
  return [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))]
}

function drawPanel({ title, xLabel, lines }: Panel, index: number, y: Span): string {
  const left = PANEL.left + index * (PANEL.width + PANEL.gap)
  const steps = lines[0]!.points.map(([x]) => x)
  const inset = 14
  const toX = (x: number) => {
    const share = Math.log(x / steps[0]!) / (Math.log(steps.at(-1)! / steps[0]!) || 1)
    return left + inset + share * (PANEL.width - 2 * inset)
  }
  const toY = (ms: number) =>
    PANEL.top + PANEL.height - ((Math.log10(ms) - y[0]) / (y[1] - y[0])) * PANEL.height
  const bottom = PANEL.top + PANEL.height
  const powers = Array.from({ length: y[1] - y[0] + 1 }, (_, step) => 10 ** (y[0] + step))
  return [
    write(left, PANEL.top - 18, title, 'font-weight="600" font-size="15"'),
    ...powers.map((ms) => drawRule(left, toY(ms), index === 0 ? formatMs(ms) : '')),
    ...steps.map((x) => write(toX(x), bottom + 20, formatCount(x), 'text-anchor="middle"')),
    write(left + PANEL.width / 2, bottom + 40, xLabel, 'text-anchor="middle"'),
    ...lines.flatMap(({ name, points }, line) => [
      drawLine(
        points.map(([x, ms]) => [toX(x), toY(ms)]),
        line,
      ),
      drawLegend(name, left, bottom + 64 + line * LEGEND_LINE, line),
    ]),
  ].join('\n')
}

function drawRule(left: number, y: number, label: string): string {
  const rule = `<path d="M${left} ${round(y)}h${PANEL.width}" stroke="${FAINT}"/>`
  return label ? `${rule}\n${write(left - 8, y + 4, label, 'text-anchor="end"')}` : rule
}

function drawLine(points: readonly (readonly [number, number])[], line: number): string {
  const path = points.map(([x, y]) => `${round(x)} ${round(y)}`).join('L')
  const colour = COLOURS[line % COLOURS.length]!
  return [
    `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...points.map(([x, y]) => drawMark(x, y, line)),
  ].join('\n')
}

function drawLegend(name: string, x: number, y: number, line: number): string {
  return `${drawMark(x + 6, y - 4, line)}\n${write(x + 18, y, name)}`
}

/** Lines differ by the shape of their marks as well as by colour. */
function drawMark(x: number, y: number, line: number): string {
  const [left, top] = [round(x), round(y)]
  const colour = COLOURS[line % COLOURS.length]
  const shape = {
    circle: `<circle cx="${left}" cy="${top}" r="4.5"`,
    square: `<path d="M${left} ${top}m-4-4h8v8h-8z"`,
    diamond: `<path d="M${left} ${top}m0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z"`,
    ring: `<circle cx="${left}" cy="${top}" r="4" stroke="${colour}" stroke-width="2" fill-opacity="0"`,
    triangle: `<path d="M${left} ${top}m0-5.5l5 9h-10z"`,
  }[MARKS[line % MARKS.length]!]
  return `${shape} fill="${colour}"/>`
}

function write(x: number, y: number, text: string, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${text}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function formatMs(ms: number): string {
  return ms >= 1000 ? `${ms / 1000} s` : `${Number(ms.toPrecision(1))} ms`
}

function formatCount(count: number): string {
  if (count >= 1e6) return `${count / 1e6}M`
  return count >= 1000 ? `${count / 1000}k` : String(count)
}
