/** A row of a table: the milliseconds of one thing at each size. */
export interface CostRow {
  readonly name: string
  readonly ms: readonly number[]
}

/** A Markdown table: each cost, and how it compares with that at the first size of the same run. */
export function renderTable(head: string, sizes: readonly number[], rows: readonly CostRow[]): string {
  const lines = [
    [head, ...sizes.map((size) => size.toLocaleString('en-US'))],
    ['---', ...sizes.map(() => '---')],
    ...rows.map(({ name, ms }) => [name, ...ms.map((cost, index) => describe(cost, ms[0]!, index))]),
  ]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function describe(ms: number, first: number, index: number): string {
  return index === 0 ? formatMs(ms) : `${formatMs(ms)}, ${(ms / first).toFixed(2)}x`
}

function formatMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`
}
