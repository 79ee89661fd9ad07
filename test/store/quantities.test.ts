import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import { anonymise } from '../../src/store/remove/anonymise.ts'
import { forgetKey } from '../../src/store/remove/forget-key.ts'
import { forgetOwner } from '../../src/store/remove/forget-owner.ts'
import { pruneUsage } from '../../src/store/remove/prune-usage.ts'
import { rollUpUsage } from '../../src/store/remove/roll-up-usage.ts'
import { countLacking } from '../../src/store/verify/count-lacking.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import type { UsageStore } from '../../src/store/usage-store.ts'
import { findWrongSums } from '../support/usage/find-wrong-sums.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { HOUR, keyIdOf, makeBatch } from '../support/usage/make-batch.ts'
import type { BatchContent } from '../support/usage/make-batch.ts'
import { searchRuns } from '../support/search-runs.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const opened: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const one of opened.splice(0)) await one.close()
})

async function open(url: string): Promise<{ store: UsageStore; db: Database }> {
  const store = openStore({ url, pepperCheck: '' })
  const db = await openDatabase(url)
  opened.push(store, db)
  return { store, db }
}

/** A row of a key with so many requests of 0.1 ms, all of which set tokens, and the first of which sets rows. */
const cell = (key: string, requestCount: number, tokens: number, rows = 0): BatchContent['rows'][number] => ({
  key,
  requestCount,
  durationUs: requestCount * 100,
  quantities: [
    ...(rows > 0 ? [{ unit: 'rows', requestCount: Math.min(1, requestCount), quantity: rows }] : []),
    ...(tokens > 0 ? [{ unit: 'tokens', requestCount, quantity: tokens }] : []),
  ],
})

/** What the ledger has of each unit, as `{ tokens: [stored, pruned, delivered, missing] }`; it must balance. */
async function account(db: Database): Promise<Record<string, readonly bigint[]>> {
  const { units, balanced } = await verifyUsage(db)
  expect(balanced).toBe(true)
  expect(await findWrongSums(db)).toEqual([])
  return Object.fromEntries(
    units.map(({ unit, stored, pruned, delivered, missing }) => [unit, [stored, pruned, delivered, missing]]),
  )
}

/** Quantities by key, as `{ a: { tokens: 5n } }`. */
async function byKey(
  db: Database,
  by: 'key' | 'owner' = 'key',
): Promise<Record<string, Record<string, bigint>>> {
  const rows = await findUsage(db, { by: [by], units: true })
  return Object.fromEntries(
    rows.map(({ key, owner, quantities = [] }) => [
      key?.label ?? String(owner),
      Object.fromEntries(quantities.map(({ unit, quantity }) => [unit, quantity])),
    ]),
  )
}

forEachDatabase('quantities of a batch', (_kind, makeUrl) => {
  async function openInstance(sendAs = randomUUID()) {
    const { store, db } = await open(await makeUrl())
    const send = (content: BatchContent) =>
      store.recordBatch(makeBatch({ instance: sendAs, quantitiesBefore: { tokens: 0, rows: 0 }, ...content }))
    return { db, instance: sendAs, send, store }
  }

  test('are added once however often it is sent, and the next batch is added to them', async () => {
    const { db, send } = await openInstance()
    const first = { rows: [cell('a', 2, 10, 3), cell('b', 1, 7)] }
    expect(await send(first)).toBe('applied')
    expect(await send(first)).toBe('applied before')
    const second = {
      sequence: 2,
      countedBefore: 3,
      quantitiesBefore: { tokens: 17, rows: 3 },
      rows: [cell('a', 1, 5)],
    }
    expect(await send(second)).toBe('applied')
    expect(await send(second)).toBe('applied before')
    expect(await byKey(db)).toEqual({ a: { tokens: 15n, rows: 3n }, b: { tokens: 7n } })
    expect(await account(db)).toEqual({ rows: [3n, 0n, 3n, 0n], tokens: [22n, 0n, 22n, 0n] })
  })

  test('are exact without a request: late additions are counted as requests are', async () => {
    const { db, send } = await openInstance()
    await send({ rows: [cell('a', 1, 10)] })
    const late = {
      sequence: 2,
      bucket: HOUR + HOUR_MS,
      countedBefore: 1,
      additions: 2,
      quantitiesBefore: { tokens: 10, rows: 0 },
      rows: [cell('a', 0, 90), cell('b', 0, 0, 4)],
    }
    expect(await send(late)).toBe('applied')
    expect(await send(late)).toBe('applied before')
    expect(await byKey(db)).toEqual({ a: { tokens: 100n }, b: { rows: 4n } })
    expect(await account(db)).toEqual({ rows: [4n, 0n, 4n, 0n], tokens: [100n, 0n, 100n, 0n] })
    expect(await findUsage(db, { by: ['hour'], units: true })).toMatchObject([
      { requestCount: 1, quantities: [{ unit: 'tokens', requestCount: 1, quantity: 10n }] },
      {
        requestCount: 0,
        quantities: [
          { unit: 'rows', quantity: 4n },
          { unit: 'tokens', quantity: 90n },
        ],
      },
    ])
    const [{ missingRequests }] = [await verifyUsage(db)]
    expect(missingRequests).toBe(0)
  })

  test('that never arrived are missing, per unit, until they come', async () => {
    const { db, instance, send } = await openInstance()
    await send({ rows: [cell('a', 1, 10)] })
    const lost = {
      sequence: 2,
      countedBefore: 1,
      additions: 3,
      quantitiesBefore: { tokens: 10, rows: 0 },
      rows: [cell('a', 2, 20, 5)],
    }
    const last = {
      sequence: 3,
      countedBefore: 3,
      additionsBefore: 3,
      quantitiesBefore: { tokens: 30, rows: 5 },
      rows: [cell('a', 1, 1)],
    }
    expect(await send(last)).toBe('applied')
    expect(await account(db)).toEqual({ rows: [0n, 0n, 0n, 5n], tokens: [11n, 0n, 11n, 20n] })
    const { missingRequests, instances } = await verifyUsage(db)
    expect(missingRequests).toBe(2)
    expect(instances[0]!.missing).toEqual([{ from: 2, to: 6 }])
    const batch = makeBatch({ instance, ...lost })
    expect(await countLacking(db, [batch])).toEqual({
      requests: 2,
      quantities: new Map([
        ['tokens', 20],
        ['rows', 5],
      ]),
    })
    expect(await send(lost)).toBe('applied')
    expect(await send(lost)).toBe('applied before')
    expect(await account(db)).toEqual({ rows: [5n, 0n, 5n, 0n], tokens: [31n, 0n, 31n, 0n] })
    expect(await verifyUsage(db)).toMatchObject({ missingRequests: 0 })
    expect(await countLacking(db, [batch])).toEqual({ requests: 0, quantities: new Map() })
  })

  test('of another total under the same number are refused: the instance lives twice', async () => {
    const { db, send } = await openInstance()
    await send({ rows: [cell('a', 2, 10)] })
    await expect(send({ rows: [cell('a', 2, 11)] })).rejects.toMatchObject({ code: 'INSTANCE_COPIED' })
    expect(await account(db)).toEqual({ tokens: [10n, 0n, 10n, 0n] })
  })

  test('that its rows do not sum up to are refused, and nothing of it is kept', async () => {
    const { db, store } = await openInstance()
    const batch = makeBatch({ quantitiesBefore: { tokens: 0 }, rows: [cell('a', 2, 10)] })
    const totals = [{ unit: 'tokens', before: 0, quantity: 11 }]
    const wrong = { ...batch, units: { additionsBefore: 0, additionCount: 0, totals } }
    await expect(store.recordBatch(wrong)).rejects.toMatchObject({
      code: 'BATCH_REFUSED',
      message: expect.stringContaining('its rows hold 10 tokens and its head says 11. Please report this.'),
    })
    expect(await account(db)).toEqual({})
    expect(await byKey(db)).toEqual({})
  })

  test('go up to 2^63 - 1; past it the batch is refused, and no digit is ever rounded', async () => {
    const { db, store } = await openInstance()
    const most = Number.MAX_SAFE_INTEGER
    const send = (quantity: number) =>
      store.recordBatch(makeBatch({ quantitiesBefore: { tokens: 0 }, rows: [cell('a', 1, quantity)] }))
    for (const quantity of [most, most, 7]) await send(quantity)
    expect(await byKey(db)).toEqual({ a: { tokens: BigInt(most) * 2n + 7n } })
    await db.query(`update api_key_analytics_quantities set quantity = ${2n ** 63n - 1n - BigInt(most)}`)
    await send(most)
    expect(await byKey(db)).toEqual({ a: { tokens: 2n ** 63n - 1n } })
    await expect(send(1)).rejects.toMatchObject({ code: 'BATCH_REFUSED' })
    expect(await byKey(db)).toEqual({ a: { tokens: 2n ** 63n - 1n } })
  })

  test('in whatever order copies of a counter file come, every quantity is there once', async () => {
    const { store, db } = await open(await makeUrl())
    // of each batch: requests, their tokens, late additions, their tokens
    const part = fc.integer({ min: 0, max: 9 })
    const batch = fc.tuple(fc.integer({ min: 1, max: 9 }), part, part, part)
    const history = fc.array(batch, { minLength: 1, maxLength: 4 })
    const share = fc.double({ noNaN: true, min: 0, max: 1 })
    // a copy may be made while the file is written: each counter is read at a moment of its own
    const copies = fc.array(fc.tuple(fc.nat(3), share, share, share, fc.nat(4)))
    await fc.assert(
      fc.asyncProperty(history, copies, async (batches, made) => {
        const before = await verifyUsage(db)
        const instance = randomUUID()
        const sum = (sequence: number, place: number) =>
          batches.slice(0, sequence).reduce((total, one) => total + one[place]!, 0)
        const tokensBefore = (sequence: number) => sum(sequence, 1) + sum(sequence, 3)
        const send = (
          sequence: number,
          { requests, tokens, additions, late }: Record<'requests' | 'tokens' | 'additions' | 'late', number>,
          isSealed: boolean,
        ) =>
          requests + additions > 0
            ? store.recordBatch(
                makeBatch({
                  instance,
                  sequence: sequence + 1,
                  countedBefore: sum(sequence, 0),
                  additionsBefore: sum(sequence, 2),
                  additions,
                  quantitiesBefore: { tokens: tokensBefore(sequence) },
                  rows: [cell('a', requests, tokens), cell('b', 0, late)].filter(
                    ({ requestCount, quantities = [] }) => requestCount! > 0 || quantities.length > 0,
                  ),
                  isSealed,
                }),
              )
            : undefined
        const whole = ([requests, tokens, additions, late]: readonly number[]) => ({
          requests: requests!,
          tokens: tokens!,
          additions: additions!,
          // no quantity without an addition
          late: additions! > 0 ? late! : 0,
        })
        for (const one of batches) if (one[2] === 0) one[3] = 0
        const sendCopies = async (at: number) => {
          for (const [sequence, ofRequests, ofTokens, ofLate, comesAt] of made) {
            if (comesAt !== at || sequence >= batches.length || sequence > at) continue
            if (sequence > 0 && sequence - 1 >= at)
              await send(sequence - 1, whole(batches[sequence - 1]!), true)
            const { requests, tokens, additions, late } = whole(batches[sequence]!)
            const copy = {
              requests: Math.floor(requests * ofRequests),
              tokens: Math.floor(tokens * ofTokens),
              additions: Math.floor(additions * ofLate),
              late: Math.ceil(late * ofLate),
            }
            await send(sequence, copy, false)
          }
        }
        for (const [sequence, one] of batches.entries()) {
          await sendCopies(sequence)
          await send(sequence, whole(one), true)
        }
        await sendCopies(4)
        const after = await verifyUsage(db)
        expect(after).toMatchObject({ balanced: true, missingRequests: 0 })
        expect(after.storedRequests - before.storedRequests).toBe(sum(batches.length, 0))
        const tokensOf = ({ units }: typeof after) => units.find(({ unit }) => unit === 'tokens')
        expect(Number((tokensOf(after)?.stored ?? 0n) - (tokensOf(before)?.stored ?? 0n))).toBe(
          tokensBefore(batches.length),
        )
        expect(tokensOf(after)?.missing ?? 0n).toBe(0n)
      }),
      { numRuns: searchRuns(60) },
    )
  })
})

forEachDatabase('what removes rows', (_kind, makeUrl) => {
  /** Two days of two keys of two owners, each hour 10 tokens per request; a late addition in an hour of its own. */
  async function fill() {
    const { store, db } = await open(await makeUrl())
    const instance = randomUUID()
    const start = Math.floor(HOUR / DAY_MS) * DAY_MS
    const identities = { a: { owner: 'Acme' }, b: { owner: 'Globex' } }
    for (let hour = 0; hour < 48; hour += 1) {
      const rows = [cell('a', 1, 10), cell('b', 2, 20, 3)]
      await store.recordBatch(
        makeBatch({
          instance,
          identities,
          sequence: hour + 1,
          bucket: start + hour * HOUR_MS,
          sealedAt: start + hour * HOUR_MS,
          countedBefore: hour * 3,
          quantitiesBefore: { tokens: hour * 30, rows: hour * 3 },
          rows,
        }),
      )
    }
    const late = start + 2 * DAY_MS + HOUR_MS
    await store.recordBatch(
      makeBatch({
        instance,
        identities,
        sequence: 49,
        bucket: late,
        sealedAt: late,
        countedBefore: 144,
        additions: 1,
        quantitiesBefore: { tokens: 1440, rows: 144 },
        rows: [cell('b', 0, 500)],
      }),
    )
    return { db, store, start }
  }

  const ALL = { rows: [144n, 0n, 144n, 0n], tokens: [1940n, 0n, 1940n, 0n] }

  test('prune logs what it removed of each unit, also of hours without a request', async () => {
    const { db, start } = await fill()
    expect(await account(db)).toEqual(ALL)
    await pruneUsage(db, { before: new Date(start + DAY_MS) })
    expect(await account(db)).toEqual({ rows: [72n, 72n, 144n, 0n], tokens: [1220n, 720n, 1940n, 0n] })
    await pruneUsage(db, { before: new Date(start + 3 * DAY_MS), keyIds: [keyIdOf('b')] })
    expect(await account(db)).toEqual({ rows: [0n, 144n, 144n, 0n], tokens: [240n, 1700n, 1940n, 0n] })
    expect(await byKey(db)).toEqual({ a: { tokens: 240n } })
  })

  test('roll-up merges quantities into days, and no total changes', async () => {
    const { db, start } = await fill()
    const before = await byKey(db)
    await rollUpUsage(db, { before: new Date(start + 3 * DAY_MS) })
    expect(await account(db)).toEqual(ALL)
    expect(await byKey(db)).toEqual(before)
    const [found] = await db.query<{ rows: string }>(
      'select count(*) as rows from api_key_analytics_quantities where bucket_minutes = 1440',
    )
    // two days of a's tokens, of b's tokens and rows, and the day that has only what came late
    expect(Number(found!.rows)).toBe(7)
    expect(await findUsage(db, { by: ['day'], units: true })).toMatchObject([
      {
        requestCount: 72,
        quantities: [
          { unit: 'rows', requestCount: 24, quantity: 72n },
          { unit: 'tokens', requestCount: 72, quantity: 720n },
        ],
      },
      {
        requestCount: 72,
        quantities: [
          { unit: 'rows', quantity: 72n },
          { unit: 'tokens', quantity: 720n },
        ],
      },
      { requestCount: 0, quantities: [{ unit: 'tokens', requestCount: 0, quantity: 500n }] },
    ])
    // once more: there is nothing left to merge
    await rollUpUsage(db, { before: new Date(start + 3 * DAY_MS) })
    expect(await account(db)).toEqual(ALL)
  })

  test('forgetting a key takes its quantities along, and what comes later makes it appear again', async () => {
    const { db, store, start } = await fill()
    await forgetKey(db, keyIdOf('b'))
    expect(await account(db)).toEqual({ rows: [0n, 144n, 144n, 0n], tokens: [480n, 1460n, 1940n, 0n] })
    const [left] = await db.query('select 1 from api_key_analytics_quantities where api_key_id = $1', [
      keyIdOf('b'),
    ])
    expect(left).toBeUndefined()
    const again = makeBatch({
      bucket: start,
      quantitiesBefore: { tokens: 0 },
      additions: 1,
      rows: [cell('b', 0, 7)],
    })
    expect(await store.recordBatch(again)).toBe('applied')
    expect(await byKey(db)).toEqual({ a: { tokens: 480n }, b: { tokens: 7n } })
    expect(await account(db)).toEqual({ rows: [0n, 144n, 144n, 0n], tokens: [487n, 1460n, 1947n, 0n] })
  })

  test('forgetting an owner takes the quantities of all keys along', async () => {
    const { db } = await fill()
    await forgetOwner(db, 'Globex')
    expect(await byKey(db, 'owner')).toEqual({ Acme: { tokens: 480n } })
    expect(await account(db)).toEqual({ rows: [0n, 144n, 144n, 0n], tokens: [480n, 1460n, 1940n, 0n] })
  })

  test('anonymising keeps every quantity', async () => {
    const { db } = await fill()
    const { pseudonym } = await anonymise(db, { owner: 'Globex' })
    expect(await byKey(db, 'owner')).toEqual({
      Acme: { tokens: 480n },
      [pseudonym]: { tokens: 1460n, rows: 144n },
    })
    expect(await account(db)).toEqual(ALL)
  })
})
