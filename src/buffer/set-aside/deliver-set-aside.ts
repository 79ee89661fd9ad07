import { chunksOf } from '../../model/chunks-of.ts'
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AnalyticsError } from '../../model/errors.ts'
import type { Batch, BatchRow } from '../../model/batch.ts'
import { decodeUuid } from '../../model/uuid.ts'
import type { DatabaseFacts, UsageStore } from '../../store/usage-store.ts'
import { listDir, setAsideDir } from '../folder/data-dir.ts'
import type { DeliverDataDirParts } from '../deliver-data-dir.ts'
import { isRefusal } from '../delivery.ts'
import { faultPoint } from '../../model/fault-point.ts'
import { findFaultOfBatch } from './find-fault-of-batch.ts'
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
    return stays(
      'COUNTER_FILE_INVALID',
      'it is a counter file that is damaged. What can be read of it was delivered before.',
    )
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
    return findFaultOfBatch(content) ?? content
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? undefined : `it cannot be read (${code ?? message})`
  }
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
