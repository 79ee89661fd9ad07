import { Readable } from 'node:stream'
import { runImport } from '../../../src/imports/run-import.ts'
import type { KeyIdentity } from '../../../src/model/key.ts'
import type { Database } from '../../../src/store/database/open-database.ts'

/** A row of a file to import; what is absent has a default. */
export interface RowToImport {
  readonly key: KeyIdentity
  /** ISO time of the start of its bucket. */
  readonly bucket: string
  readonly bucketMinutes?: number
  readonly endpoint?: string
  readonly status?: number
  readonly requests: number
  readonly tokens?: number
}

const BAR = { isShown: false, update() {}, stop() {} }

/** Imports rows as a file that has them, and gives the number of the import. */
export async function importRows(db: Database, rows: readonly RowToImport[]): Promise<number> {
  const lines = rows.map(({ key, requests, tokens, ...row }) =>
    JSON.stringify({
      keyId: key.id,
      keyLabel: key.label,
      keyName: key.name,
      keyOwner: key.owner,
      bucket: new Date(row.bucket).toISOString(),
      bucketMinutes: row.bucketMinutes ?? 60,
      method: 'GET',
      endpoint: row.endpoint ?? '/users/:id',
      status: row.status ?? 200,
      requestCount: requests,
      ...(tokens !== undefined && { tokensRequestCount: requests }),
      ...(tokens !== undefined && { tokensQuantity: tokens }),
    }),
  )
  // the columns are those of the first line
  const withUnits = [...lines].sort((a, b) => Number(b.includes('tokens')) - Number(a.includes('tokens')))
  const { result } = await runImport(
    db,
    { overlap: true, 'dry-run': false },
    { path: '-', stdin: Readable.from([Buffer.from(withUnits.join('\n'))]), pepper: undefined, bar: BAR },
  )
  return (result as { import: number }).import
}
