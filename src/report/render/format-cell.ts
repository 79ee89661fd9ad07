import { formatInstant } from '../../time/calendar.ts'
import type { Cell, Column } from './report-table.ts'
import { formatChange, formatCount, formatDuration, formatShare } from '../../terminal/format-number.ts'
import { sparkline } from '../../terminal/sparkline.ts'

const TREND_WIDTH = 12

/** A cell as people read it; empty for null. The text is not yet escaped for its output. */
export function formatCell(cell: Cell, kind: Column['kind'], timeZone: string): string {
  if (cell === null) return ''
  if (cell instanceof Date) return formatInstant(cell, timeZone)
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no'
  if (typeof cell === 'object') return sparkline(cell.map(Number), TREND_WIDTH)
  if (typeof cell === 'string') return cell
  if (typeof cell === 'bigint') return formatCount(cell)
  if (kind === 'share') return formatShare(cell)
  if (kind === 'change') return formatChange(cell)
  if (kind === 'duration') return formatDuration(cell)
  return formatCount(cell)
}
