import { chunksOf } from '../model/chunks-of.ts'
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AnalyticsError } from '../model/errors.ts'
import type { Batch, BatchRow, BucketMinutes, RowQuantity, UnitTotal } from '../model/batch.ts'
import { BIN_COUNT } from '../model/duration-bins.ts'
import { isUnitName } from '../model/unit.ts'
import { decodeUuid } from '../model/uuid.ts'
import type { DatabaseFacts, UsageStore } from '../store/usage-store.ts'
import { listDir, setAsideDir } from './folder/data-dir.ts'
import type { DeliverDataDirParts } from './deliver-data-dir.ts'
import { isRefusal } from './delivery.ts'
import { faultPoint } from './fault-point.ts'
import { SET_ASIDE_BATCH, UNFINISHED_BATCH } from './set-batch-aside.ts'
import type { SetAsideBatch } from './set-batch-aside.ts'

const CHUNK = 1000
/** An incomplete file older than this was left by a process that died. */
const UNFINISHED_FOR_MS = 60_000

/**
 * Delivers the batches that were set aside, after the cause of the refusal is fixed, and removes their files. The
 * ledger knows which requests each batch has. So a batch counts once, also when this is killed, runs twice at once, or
 * runs on a copy of the folder. What must stay is reported.
 * @returns how many requests and batches were sent or turned out to be in the database already
 * @throws AnalyticsError when the database cannot take them now
 */
export async function deliverSetAside(
  parts: DeliverDataDirParts,
): Promise<{ requests: number; batches: number }> {
  const facts = await parts.store.connect()
  const delivered = { requests: 0, batches: 0 }
  for (const name of listDir(setAsideDir(parts.dataDir))) {
    const path = join(setAsideDir(parts.dataDir), name)
    const requests = await deliverFile(path, facts, parts)
    if (requests === undefined) continue
    delivered.requests += requests
    delivered.batches += 1
  }
  return delivered
}

/** @returns the requests of its batch; undefined when the file stays or contained no batch */
async function deliverFile(
  path: string,
  facts: DatabaseFacts,
  { store, adopt, report }: DeliverDataDirParts,
): Promise<number | undefined> {
  if (path.endsWith(UNFINISHED_BATCH)) return removeUnfinished(path)
  const stays = (code: AnalyticsError['code'], why: string, cause?: unknown): undefined => {
    report(new AnalyticsError(code, `${path} stays: ${why}`, { cause }))
  }
  if (!path.endsWith(SET_ASIDE_BATCH)) {
    return stays('COUNTER_FILE_INVALID', 'it is a counter file whose readable part was delivered before.')
  }
  const content = await readSetAside(path)
  if (content === undefined) return undefined
  if (typeof content === 'string') return stays('COUNTER_FILE_INVALID', `${content}.`)
  if (content.databaseId !== facts.databaseId && !adopt) {
    const other = `it was refused by database ${content.databaseId}, and this is ${facts.databaseId}.`
    return stays('DATABASE_CHANGED', `${other} Name that one, or pass --adopt to send it here.`)
  }
  const refusal = await record(content, store, adopt)
  if (refusal) return stays(refusal.code, refusal.message, refusal)
  faultPoint('set-aside batch committed')
  // another process may have done the same
  await rm(path, { force: true })
  return content.requestCount
}

/** @returns the reason when the store refuses the batch */
async function record(
  content: SetAsideBatch,
  store: UsageStore,
  adopt: boolean,
): Promise<AnalyticsError | undefined> {
  try {
    await store.recordBatch(toBatch(content))
    return undefined
  } catch (error) {
    if (!isRefusal(error)) throw error
    const isAdopted = adopt && error.code === 'INSTANCE_COPIED'
    return isAdopted ? record(underOwnInstance(content), store, false) : error
  }
}

async function removeUnfinished(path: string): Promise<undefined> {
  const writtenAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity
  if (Date.now() - writtenAt > UNFINISHED_FOR_MS) await rm(path, { force: true })
}

/** The content of a file, the reason why it cannot be read, or undefined when it is gone. */
async function readSetAside(path: string): Promise<SetAsideBatch | string | undefined> {
  try {
    const content = JSON.parse(await readFile(path, 'utf8')) as SetAsideBatch
    return findFault(content) ?? content
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? undefined : `it cannot be read (${code ?? message})`
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const BUCKET_MINUTES: ReadonlySet<BucketMinutes> = new Set([1, 60, 1440])

/** A person may have edited the file. */
function findFault(content: SetAsideBatch): string | undefined {
  const { instance, sequence, bucket, sealedAt, bucketMinutes, countedBefore, requestCount, keys, rows } =
    content
  if (!UUID.test(instance)) return 'its instance is no UUID'
  if (![sequence, countedBefore, requestCount].every(isCount))
    return 'its sequence, countedBefore or requestCount is no whole number'
  if ([bucket, sealedAt].some((time) => Number.isNaN(Date.parse(time)))) return 'its times cannot be read'
  if (!BUCKET_MINUTES.has(bucketMinutes)) return 'its bucketMinutes are none of 1, 60 and 1440'
  if (!Array.isArray(keys) || !Array.isArray(rows)) return 'it has no keys or no rows'
  const known = new Set(keys.map(({ id }) => id))
  if (!rows.every(isRow)) return 'a row lacks a field, or has one that is no count or no text'
  if (!rows.every(({ keyId }) => known.has(keyId))) return 'a row names a key that it does not have'
  if (rows.reduce((sum, row) => sum + row.requestCount, 0) !== requestCount)
    return 'its rows do not sum up to its requestCount'
  const wrongUnits = findFaultOfUnits(content)
  if (wrongUnits) return wrongUnits
  const names = new Set(rows.map((row) => JSON.stringify([row.keyId, row.endpoint, row.method, row.status])))
  return names.size < rows.length ? 'it has two rows of one key, endpoint, method and status' : undefined
}

function findFaultOfUnits({ units, rows }: SetAsideBatch): string | undefined {
  const { additionsBefore = 0, additionCount = 0, totals = [] } = units ?? {}
  const isTotal = ({ unit, before, quantity }: UnitTotal) =>
    isUnitName(unit) && isCount(before) && isCount(quantity)
  if (![additionsBefore, additionCount].every(isCount) || !Array.isArray(totals) || !totals.every(isTotal))
    return 'its units lack a field, or have one that is no count or no unit'
  const sums = new Map<string, number>()
  for (const { unit, quantity } of rows.flatMap((row) => row.quantities ?? []))
    sums.set(unit, (sums.get(unit) ?? 0) + quantity)
  const isWhole = totals.every(({ unit, quantity }) => (sums.get(unit) ?? 0) === quantity)
  if (!isWhole || [...sums.keys()].some((unit) => !totals.some((total) => total.unit === unit)))
    return 'its rows do not sum up to the quantities of its units'
  return undefined
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0

function isRow({
  endpoint,
  method,
  status,
  requestCount,
  durationUs,
  durationBins,
  ...row
}: BatchRow): boolean {
  const { quantities = [] } = row
  const counts: unknown[] = [status, requestCount, durationUs]
  const texts: unknown[] = [endpoint, method]
  return (
    counts.every(isCount) &&
    texts.every((text) => typeof text === 'string') &&
    areBins(durationBins, requestCount) &&
    areQuantities(quantities)
  )
}

/** Whether these are quantities, at most one of each unit. */
function areQuantities(quantities: readonly RowQuantity[]): boolean {
  if (!Array.isArray(quantities)) return false
  const isQuantity = ({ unit, requestCount, quantity }: RowQuantity) =>
    isUnitName(unit) && isCount(requestCount) && isCount(quantity)
  return (
    quantities.every(isQuantity) && new Set(quantities.map(({ unit }) => unit)).size === quantities.length
  )
}

/** Whether these are bins in ascending order, each with its requests, which sum up to `requestCount`. */
function areBins(bins: readonly number[], requestCount: number): boolean {
  if (!Array.isArray(bins) || bins.length % 2 !== 0 || !bins.every(isCount)) return false
  let sum = 0
  for (let index = 0; index < bins.length; index += 2) {
    if (bins[index]! >= BIN_COUNT || (index > 0 && bins[index]! <= bins[index - 2]!)) return false
    sum += bins[index + 1]!
  }
  return sum === requestCount
}

function toBatch({ bucket, sealedAt, keys, rows, ...head }: SetAsideBatch): Batch {
  const sortedKeys = keys.toSorted((a, b) => compare(a.id, b.id))
  const sortedRows = rows
    .toSorted(compareRows)
    .map(({ quantities, ...row }) =>
      quantities
        ? Object.assign(row, { quantities: quantities.toSorted((a, b) => compare(a.unit, b.unit)) })
        : row,
    )
  return {
    ...head,
    bucket: Date.parse(bucket),
    sealedAt: Date.parse(sealedAt),
    // whether its process lives cannot be seen from here
    openSequence: undefined,
    keys: () => inChunks(sortedKeys),
    rows: () => inChunks(sortedRows),
  }
}

/** The same requests under their own instance. The same content always gets the same one, so it counts once. */
function underOwnInstance(content: SetAsideBatch): SetAsideBatch {
  const instance = decodeUuid(createHash('sha256').update(JSON.stringify(content)).digest().subarray(0, 16))
  const { units } = content
  return {
    ...content,
    instance,
    sequence: 1,
    countedBefore: 0,
    isSealed: true,
    ...(units && {
      units: {
        ...units,
        additionsBefore: 0,
        totals: units.totals.map((total) => Object.assign({}, total, { before: 0 })),
      },
    }),
  }
}

/** The order that all writers use. */
function compareRows(a: BatchRow, b: BatchRow): number {
  return (
    compare(a.keyId, b.keyId) ||
    compare(a.endpoint, b.endpoint) ||
    compare(a.method, b.method) ||
    a.status - b.status
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

async function* inChunks<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  yield* chunksOf(items, CHUNK)
}
