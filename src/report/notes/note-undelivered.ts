import { inspectDataDir } from '../../buffer/folder/inspect-data-dir.ts'
import { hasDataDir } from '../../buffer/folder/data-dir.ts'
import { isMeantFor } from '../../buffer/folder/is-meant-for.ts'
import type { AskingDatabase } from '../../buffer/folder/is-meant-for.ts'
import { countOf, formatCount } from '../../terminal/format-number.ts'
import { nameOfAmount } from '../usage/amount.ts'
import { countLacking } from '../../store/verify/count-lacking.ts'
import { countMissing, countMissingQuantity } from '../../store/verify/count-missing.ts'
import type { Database } from '../../store/database/open-database.ts'
import { readMeta } from '../../store/database/read-meta.ts'
import { describeState } from '../../store/database/require-active.ts'

/** Counts in a data folder that the database does not have. */
export interface Undelivered {
  readonly undeliveredRequests: number
  /** By unit, only those of which there is some. */
  readonly undeliveredQuantities: Readonly<Record<string, bigint>>
  /** Requests that were counted for other databases. They wait in this folder but do not belong to this database. */
  readonly elsewhere: readonly { readonly database: string; readonly requests: number }[]
  /** Files and batches that were set aside because they could not be delivered. */
  readonly setAside: readonly string[]
  /** Counter files that cannot be read, with the reason. */
  readonly unreadable: readonly string[]
}

/** Reads a data folder; one that does not exist is empty. */
export async function readUndelivered(db: Database, dataDir: string): Promise<Undelivered> {
  const { waiting, setAside, unreadable } = await inspectDataDir(dataDir)
  const asking = await readAsking(db)
  const targets = [...Map.groupBy(waiting, (batch) => batch.target)]
  const { ours = [], others = [] } = Object.groupBy(targets, ([target]) =>
    isMeantFor(target, asking, dataDir) ? 'ours' : 'others',
  )
  const here = ours.flatMap(([, batches]) => batches)
  const elsewhere = others.map(([database, batches]) => ({
    database,
    requests: batches.reduce((sum, { requestCount }) => sum + requestCount, 0),
  }))
  const { requests: undeliveredRequests, quantities } = await countLacking(db, here)
  const undeliveredQuantities = Object.fromEntries(
    [...quantities].map(([unit, quantity]) => [unit, BigInt(quantity)]),
  )
  return { undeliveredRequests, undeliveredQuantities, elsewhere, setAside, unreadable }
}

/** Start of the first bucket whose counts wait in a data folder for this database. */
export async function findFirstWaiting(db: Database, dataDir: string): Promise<Date | undefined> {
  const { waiting } = await inspectDataDir(dataDir)
  if (waiting.length === 0) return undefined
  const asking = await readAsking(db)
  const ours = waiting.filter(({ target }) => isMeantFor(target, asking, dataDir))
  return ours.length > 0 ? new Date(Math.min(...ours.map(({ bucket }) => bucket.getTime()))) : undefined
}

async function readAsking(db: Database): Promise<AskingDatabase> {
  const { database_id: databaseId } = await readMeta(db)
  return { databaseId, databaseLabel: db.databaseLabel }
}

/** Notes that a database is not where counts go: it moved, or a move of it is not finished. */
export async function noteMove(db: Database): Promise<string[]> {
  const note = describeState(db.databaseLabel, await readMeta(db))
  return note === undefined ? [] : [note]
}

/** Notes that there is no data folder: legitimate on a machine where the app does not run. */
export function noteNoDataDir(dataDir: string): string[] {
  if (hasDataDir(dataDir)) return []
  return [`There is no data folder ${dataDir}: counts that wait on this machine are not known.`]
}

/** Notes that the database moved, and that counts on this machine are not in it. */
export async function noteUndelivered(db: Database, dataDir: string): Promise<string[]> {
  const undelivered = await readUndelivered(db, dataDir)
  const { elsewhere, setAside, unreadable } = undelivered
  const bad = setAside.length + unreadable.length
  const amounts = describeAmounts(undelivered)
  const isOne = undelivered.undeliveredRequests === 1
  return [
    ...(await noteMove(db)),
    ...(amounts
      ? [
          `${amounts} in ${dataDir} ${isOne ? 'is' : 'are'} not in the database yet: the app or "apikey-analytics flush" delivers ${isOne ? 'it' : 'them'}.`,
        ]
      : []),
    ...elsewhere.map((other) => describeElsewhere(other, dataDir)),
    ...(bad > 0
      ? [`${countOf(bad, 'file')} in ${dataDir} could not be delivered: see "apikey-analytics verify".`]
      : []),
  ]
}

/** `3 requests`, and where only quantities wait `120 tokens and 5 rows`; nothing when nothing waits. */
export function describeAmounts({
  undeliveredRequests,
  undeliveredQuantities,
}: Undelivered): string | undefined {
  if (undeliveredRequests > 0) return countOf(undeliveredRequests, 'request')
  const amounts = Object.entries(undeliveredQuantities).map(
    ([unit, quantity]) => `${formatCount(quantity)} ${unit}`,
  )
  return amounts.length > 0 ? amounts.join(' and ') : undefined
}

/** Notes that counts on this machine belong to another database. */
export function describeElsewhere(
  { database, requests }: Undelivered['elsewhere'][number],
  dataDir: string,
): string {
  return `${countOf(requests, 'request')} in ${dataDir} ${requests === 1 ? 'was' : 'were'} counted for another database: ${database}.`
}

/**
 * Notes that requests, or quantities of a unit, are known to be missing from the database: they were counted once and
 * never delivered.
 */
export async function noteMissing(db: Database, unit?: string): Promise<string[]> {
  const missing = [
    { name: undefined, amount: await countMissing(db) },
    ...(unit === undefined ? [] : [{ name: unit, amount: await countMissingQuantity(db, unit) }]),
  ]
  return missing
    .filter(({ amount }) => amount > 0)
    .map(
      ({ name, amount }) =>
        `${formatCount(amount)} counted ${nameOfAmount(name, amount)} ${name === undefined && amount === 1 ? 'is' : 'are'} missing from the database: see "apikey-analytics verify".`,
    )
}
