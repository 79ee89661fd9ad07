import type { Amount } from '../usage/amount.ts'

/** A cell before it is formatted; the kind of its column defines its type. */
export type Cell = string | number | bigint | boolean | Date | readonly Amount[] | null

/** One column. `count` is a whole number, `amount` a decimal number as text, `share` and `change` are ratios, `duration` is ms, `trend` is a series. */
export interface Column {
  /** For programs: the name of the column in CSV. */
  readonly name: string
  readonly title: string
  readonly kind: 'text' | 'count' | 'amount' | 'share' | 'change' | 'duration' | 'time' | 'trend'
  /** On a narrow terminal the columns with the highest number are left out first, those without one never. */
  readonly dropFirst?: number | undefined
}

/** A table for people: the input of the renderers for terminals, Markdown and HTML. */
export interface ReportTable {
  readonly title?: string | undefined
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
  /** The last line, one cell per column. */
  readonly total?: readonly Cell[] | undefined
  /** A note about what the table leaves out. */
  readonly note?: string | undefined
}

/** Whether the cells of a column are numbers: they are aligned to the right. */
export function isNumeric({ kind }: Column): boolean {
  return ['count', 'amount', 'share', 'change', 'duration'].includes(kind)
}
