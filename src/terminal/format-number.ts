/** How numbers look for people: in a terminal, in Markdown and in the page. */
const COUNT = new Intl.NumberFormat('en-US')

/** `1,234,567` */
export function formatCount(count: number | bigint): string {
  return COUNT.format(count)
}

/** `1 line`, `1,234 lines` */
export function countOf(count: number | bigint, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${Number(count) === 1 ? singular : plural}`
}

/** `12.3%`. A share above 0 never shows as 0 %, and one below 1 never as 100 %. */
export function formatShare(share: number, digits = 1): string {
  const least = 10 ** -(digits + 2)
  if (share > 0 && share < least) return `<${(least * 100).toFixed(digits)}%`
  if (share < 1 && share > 1 - least) return `>${(100 - least * 100).toFixed(digits)}%`
  return `${(share * 100).toFixed(digits)}%`
}

/** `+12.3%` */
export function formatChange(change: number): string {
  return `${change > 0 ? '+' : ''}${(change * 100).toLocaleString('en-US', { maximumFractionDigits: 1, minimumFractionDigits: 1 })}%`
}

/** `0.4 ms`, `12 ms`, `3.4 s`, with at least two digits; more would claim a precision that a histogram does not have. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds > 0 && milliseconds <= 0.1) return '≤0.1 ms'
  const [value, unit] = milliseconds < 999.5 ? [milliseconds, 'ms'] : [milliseconds / 1000, 's']
  return `${value.toFixed(value < 9.95 ? 1 : 0)} ${unit}`
}
