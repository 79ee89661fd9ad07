const BARS = '▁▂▃▄▅▆▇█'

/** A line of small bars, one per value or, past `width`, per run of values (their mean); 0 is a space. */
export function sparkline(values: readonly number[], width = values.length): string {
  const points = condense(values, width)
  const most = Math.max(...points)
  return points.map((value) => (value > 0 ? BARS[Math.ceil((value / most) * BARS.length) - 1] : ' ')).join('')
}

/** At most `width` means of neighbouring values, in order. */
export function condense(values: readonly number[], width: number): number[] {
  const count = Math.min(values.length, width)
  return Array.from({ length: count }, (_, index) => {
    const run = values.slice(
      Math.floor((index * values.length) / count),
      Math.floor(((index + 1) * values.length) / count),
    )
    return run.reduce((sum, value) => sum + value, 0) / run.length
  })
}
