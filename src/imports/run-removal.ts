import { AnalyticsError } from '../model/errors.ts'
import { countOf, formatCount } from '../terminal/format-number.ts'
import type { Database } from '../store/database/open-database.ts'
import { findImports } from '../store/imports/find-imports.ts'
import { removeImport } from '../store/imports/remove-import.ts'

/** Says what removing an import would remove. @throws WRONG_USAGE when there is none with this number */
export async function planRemoval(db: Database, importId: number): Promise<{ text: string; result: object }> {
  const found = (await findImports(db)).find((one) => one.import === importId)
  if (!found) throw notFound(importId)
  const { name, requests, removedRequests } = found
  const left = formatCount(requests - removedRequests)
  return {
    text: `Removes import ${importId} (${name}) with ${left} requests, and the keys that only it brought, from ${db.databaseLabel}.`,
    result: { import: importId, name, requests: requests - removedRequests },
  }
}

/** Removes an import. @throws WRONG_USAGE when there is none with this number */
export async function runRemoval(db: Database, importId: number): Promise<{ text: string; result: object }> {
  const removed = await removeImport(db, importId)
  if (!removed) throw notFound(importId)
  const { rows, requests, keys } = removed
  return {
    text: `Removed import ${importId}: ${countOf(rows, 'row')} with ${countOf(requests, 'request')}, and ${countOf(keys, 'key')}.\n`,
    result: { import: importId, ...removed, done: true },
  }
}

function notFound(importId: number): AnalyticsError {
  return new AnalyticsError(
    'WRONG_USAGE',
    `There is no import ${importId}. "apikey-analytics imports list" lists them.`,
  )
}
