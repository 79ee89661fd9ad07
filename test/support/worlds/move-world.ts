import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { parseBillingPeriod } from '../../../src/billing/billing-period.ts'
import { closePeriod } from '../../../src/billing/close/close-period.ts'
import type { ClosedStatement } from '../../../src/model/closing.ts'
import { runMove } from '../../../src/move/run-move.ts'
import type { Moved, MoveOptions } from '../../../src/move/run-move.ts'
import { DatabaseStore } from '../../../src/store/database-store.ts'
import { openDatabase } from '../../../src/store/database/open-database.ts'
import type { Database } from '../../../src/store/database/open-database.ts'
import { linkKey } from '../../../src/store/keys/link-keys.ts'
import { nameKey } from '../../../src/store/keys/name-key.ts'
import { setQuota } from '../../../src/store/quotas/set-quota.ts'
import { deprecateRoute } from '../../../src/store/routes/deprecate-route.ts'
import { forgetKey } from '../../../src/store/remove/forget-key.ts'
import { fire, makeCandidate } from './alert-world.ts'
import { importRows } from '../usage/import-rows.ts'
import { makeBatch } from '../usage/make-batch.ts'
import { storeUsage, testKey } from '../usage/store-usage.ts'

export const ACME = testKey(1, 'key_acme', { owner: 'Acme', name: 'Shop' })
export const BETA = testKey(2, 'key_beta', { owner: 'Ünal & Söhne', name: 'Ünal 🏪' })
const GONE = testKey(3, 'key_gone')
const now = new Date('2027-01-01T00:00Z')
const keys = generateKeyPairSync('ed25519')
export const { publicKey } = keys
/** What `fillDatabase` counted and did not forget. */
export const REQUESTS = 5 + 2 + 6 + 7 + 4 + 8 + 3

/** @param missing requests that are known to be missing, of the gap that `fillDatabase` leaves */
export function closeMonth(db: Database, month: string, missing = 0n): Promise<ClosedStatement> {
  return closePeriod(db, '/nowhere', {
    period: parseBillingPeriod({ month, timeZone: 'Europe/Berlin' }),
    billable: ['2xx'],
    now,
    privateKey: keys.privateKey,
    ...(missing > 0n && { acceptMissing: { requests: missing } }),
  })
}

/**
 * Fills a database with a life: customers, units, removals, two statements with a correction, quotas, alerts, linked
 * keys, an import, routes, a gap.
 */
export async function fillDatabase(url: string): Promise<void> {
  const tokens = (requests: number, quantity: number) => ({ requests, quantities: { tokens: quantity } })
  await storeUsage(url, [
    { key: ACME, bucket: '2026-10-01T00:00Z', ...tokens(5, 70) },
    { key: { ...ACME, owner: 'Ünal & Söhne' }, bucket: '2026-10-10T12:00Z', ...tokens(2, 9) },
    { key: BETA, bucket: '2026-10-31T22:00Z', ...tokens(6, 9_007_199_254_740) },
    { key: GONE, bucket: '2026-10-02T00:00Z', ...tokens(6, 5) },
    { key: BETA, bucket: '2026-11-02T00:00Z', requests: 7 },
  ])
  const db = await openDatabase(url)
  try {
    await closeMonth(db, '2026-10')
    await storeUsage(url, [{ key: BETA, bucket: '2026-10-03T00:00Z', ...tokens(4, 1) }])
    await forgetKey(db, GONE.id)
    await nameKey(db, ACME.id, { owner: 'Globex', from: new Date('2026-11-01T00:00Z') }, now.getTime())
    await closeMonth(db, '2026-11')
    await setQuota(db, { owner: 'Acme', unit: 'tokens', per: 'month', limit: 999_999_999_999_999 })
    await fire(db, [makeCandidate('Acme')], ['ops'])
    await linkKey(db, BETA.id, { continues: ACME.id, acrossOwners: true })
    await importRows(db, [{ key: BETA, bucket: '2026-08-01T10:00Z', requests: 40, tokens: 50 }])
    await leaveGapAndRest(url)
    const sunset = new Date('2027-06-01T00:00Z')
    await deprecateRoute(db, { method: 'GET', endpoint: '/users/:id', sunset }, now.getTime())
  } finally {
    await db.close()
  }
}

/** A batch before which ten requests are missing, and one of a copied folder, whose rows are kept. */
async function leaveGapAndRest(url: string): Promise<void> {
  const store = new DatabaseStore({ url, pepperCheck: '' })
  const bucket = Date.UTC(2026, 11, 1)
  const common = { bucket, sealedAt: bucket, identities: { key_acme: ACME } }
  const rows = (requestCount: number) => [{ key: 'key_acme', keyId: ACME.id, requestCount }]
  try {
    await store.recordBatch(
      makeBatch({ ...common, instance: randomUUID(), sequence: 2, countedBefore: 10, rows: rows(8) }),
    )
    await store.recordBatch(makeBatch({ ...common, instance: randomUUID(), isSealed: false, rows: rows(3) }))
  } finally {
    await store.close()
  }
}

/** Moves as the command does. */
export async function move(from: string, to: string, options: Partial<MoveOptions> = {}): Promise<Moved> {
  const source = await openDatabase(from, { liftTimeout: true })
  try {
    return await runMove(source, to, {
      signal: new AbortController().signal,
      ...options,
    })
  } finally {
    await source.close()
  }
}
