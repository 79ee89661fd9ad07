import { readStatement } from '../../../src/billing/statement/read-statement.ts'
import type { Database } from '../../../src/store/database/open-database.ts'

/** Lines of a statement as `[owner, endpoint, quantity, corrected statement]`. */
export async function billedLines(db: Database, number: number): Promise<unknown[]> {
  const { accounts } = await readStatement(db, number)
  return accounts.flatMap(({ owner, lines }) =>
    lines.map(({ endpoint, quantity, period }) => [
      owner,
      endpoint,
      quantity,
      ...(period === number ? [] : [period]),
    ]),
  )
}
