import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AnalyticsError } from '../errors.ts'
import type { Batch } from '../usage.ts'
import { makePrivateDir, setAsideDir } from './data-dir.ts'

/**
 * Keeps a batch that cannot be stored as a JSON file, so that it neither blocks the next ones nor gets lost. The next
 * batch of the instance shows its requests as missing.
 */
export async function setBatchAside(
  batch: Batch,
  refusal: AnalyticsError,
  { dataDir, report }: { readonly dataDir: string; readonly report: (error: AnalyticsError) => void },
): Promise<void> {
  const folder = setAsideDir(dataDir)
  makePrivateDir(dataDir, folder)
  const path = join(folder, `${batch.instance}-${batch.sequence}.json`)
  await writeFile(`${path}.part`, JSON.stringify(await readBatch(batch, refusal)), { mode: 0o600 })
  await rename(`${path}.part`, path)
  report(
    new AnalyticsError(
      refusal.code,
      `A batch of ${batch.requestCount} requests was not stored: ${refusal.message} It was set aside as ${path}, and "apikey-analytics verify" shows it.`,
      { cause: refusal },
    ),
  )
}

async function readBatch(batch: Batch, refusal: AnalyticsError): Promise<object> {
  const { instance, sequence, bucket, bucketMinutes, countedBefore, requestCount } = batch
  const keys = (await Array.fromAsync(batch.keys())).flat()
  const rows = (await Array.fromAsync(batch.rows())).flat()
  const start = new Date(bucket).toISOString()
  return {
    refusal: refusal.message,
    instance,
    sequence,
    bucket: start,
    bucketMinutes,
    countedBefore,
    requestCount,
    keys,
    rows,
  }
}
