import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AnalyticsError } from '../../model/errors.ts'
import type { AnalyticsErrorCode } from '../../model/errors.ts'
import type { Batch, BatchRow } from '../../model/batch.ts'
import type { KeyIdentity } from '../../model/key.ts'
import { makePrivateDir, setAsideDir } from '../folder/data-dir.ts'

/** Ending of the file of a batch that was set aside. */
export const SET_ASIDE_BATCH = '.json'
/** Extension while it is being written. Until it is complete, the batch stays in its counter file. */
export const UNFINISHED_BATCH = '.json.part'

const REMEDIES: Partial<Record<AnalyticsErrorCode, string>> = {
  BATCH_REFUSED: 'When the cause is repaired, "apikey-analytics flush --set-aside" delivers it.',
  INSTANCE_COPIED:
    '"apikey-analytics flush --set-aside --adopt" adds all of it; requests from before the clone may then count twice.',
}

/** The content of such a file. */
export interface SetAsideBatch extends Omit<Batch, 'bucket' | 'sealedAt' | 'openSequence' | 'keys' | 'rows'> {
  /** Why it was not stored, as text for people. */
  readonly refusal: string
  /** The database that refused it. */
  readonly databaseId: string
  /** ISO times. */
  readonly bucket: string
  readonly sealedAt: string
  readonly keys: readonly KeyIdentity[]
  readonly rows: readonly BatchRow[]
}

/**
 * Keeps a batch that cannot be stored as a JSON file, so that it neither blocks the next ones nor gets lost. The next
 * batch of the instance shows its requests as missing, until `deliverSetAside` brings them.
 */
export async function setBatchAside(
  batch: Batch,
  refusal: AnalyticsError,
  {
    dataDir,
    databaseId,
    report,
  }: {
    readonly dataDir: string
    readonly databaseId: string
    readonly report: (error: AnalyticsError) => void
  },
): Promise<void> {
  const folder = setAsideDir(dataDir)
  makePrivateDir(dataDir, folder)
  const path = join(folder, `${batch.instance}-${batch.sequence}`)
  const content = JSON.stringify(await readBatch(batch, refusal, databaseId))
  await writeFile(path + UNFINISHED_BATCH, content, { mode: 0o600 })
  await rename(path + UNFINISHED_BATCH, path + SET_ASIDE_BATCH)
  report(
    new AnalyticsError(
      refusal.code,
      `A batch of ${batch.requestCount} requests was not stored: ${refusal.message} It was set aside as ${path + SET_ASIDE_BATCH}. ${REMEDIES[refusal.code] ?? ''}`,
      { cause: refusal },
    ),
  )
}

async function readBatch(batch: Batch, refusal: AnalyticsError, databaseId: string): Promise<SetAsideBatch> {
  const { instance, sequence, bucketMinutes, countedBefore, requestCount, units, isSealed } = batch
  return {
    refusal: refusal.message,
    databaseId,
    instance,
    sequence,
    bucket: new Date(batch.bucket).toISOString(),
    bucketMinutes,
    countedBefore,
    requestCount,
    ...(units && { units }),
    sealedAt: new Date(batch.sealedAt).toISOString(),
    isSealed,
    keys: (await Array.fromAsync(batch.keys())).flat(),
    rows: (await Array.fromAsync(batch.rows())).flat(),
  }
}
