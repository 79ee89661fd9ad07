import type { KeyRecord } from '../../../src/model/key.ts'
import type { UsageRow } from '../../../src/model/usage-row.ts'
import { testKey } from './store-usage.ts'

const HOUR = new Date('2026-10-01T10:00Z')

/** A group of usage of one hour; what is absent counts nothing. */
export function usageRow(content: Partial<UsageRow> = {}): UsageRow {
  return {
    requestCount: 0,
    clientErrorCount: 0,
    serverErrorCount: 0,
    rejectedCount: 0,
    durationUs: 0,
    firstBucket: HOUR,
    lastBucket: HOUR,
    ...content,
  }
}

/** A key as stored; its id comes from its number. */
export function keyRecord(number: number, rest: Partial<KeyRecord> = {}): KeyRecord {
  return { ...testKey(number, `key ${number}`), firstSeenAt: HOUR, lastUsedAt: HOUR, ...rest }
}
