import type { AnalyticsError } from '../model/errors.ts'
import type { UsageStore } from '../store/usage-store.ts'
import { Delivery } from './delivery.ts'
import { recoverCounts, type RecoveryParts } from './folder/recovery.ts'

export interface DeliverDataDirParts {
  readonly dataDir: string
  readonly store: UsageStore
  /** Also sends batches that were counted for another database, or tried on it. */
  readonly adopt: boolean
  readonly report: (error: AnalyticsError) => void
}

/**
 * Delivers what dead processes left in a data folder. Running processes deliver their own counts.
 * @returns how many requests and batches were sent or turned out to be in the database already
 * @throws AnalyticsError when the database cannot take them now
 */
export async function deliverDataDir(
  parts: DeliverDataDirParts,
): Promise<{ requests: number; batches: number }> {
  const { dataDir, store, report } = parts
  const facts = await store.connect()
  const delivery = new Delivery(parts)
  const deliver: RecoveryParts['deliver'] = (file, path) => delivery.deliver(file, facts, { path })
  await recoverCounts({ dataDir, report, now: Date.now, deliver })
  return { requests: delivery.delivered, batches: delivery.batches }
}
