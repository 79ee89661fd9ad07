import { hash } from 'node:crypto'
import type { TextRow } from './table-rows.ts'

/** What two tables with the same rows have in common, in whatever order the rows are read. */
export interface TableDigest {
  readonly rows: number
  /** The sum of the hashes of all rows. */
  readonly sum: bigint
}

/** Adds rows up, a page at a time, in constant memory. */
export class DigestedRows implements TableDigest {
  rows = 0
  sum = 0n

  add(page: readonly TextRow[]): void {
    for (const row of page) {
      // PostgreSQL stores no NUL, see its session
      const text = JSON.stringify(row).replaceAll(String.raw`\u0000`, '\ufffd')
      this.sum = BigInt.asUintN(128, this.sum + BigInt(`0x${hash('sha256', text).slice(0, 32)}`))
    }
    this.rows += page.length
  }
}
