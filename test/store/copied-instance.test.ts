import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { countLacking } from '../../src/store/verify/count-lacking.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import type { UsageStore } from '../../src/store/usage-store.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { makeBatch } from '../support/usage/make-batch.ts'
import { searchRuns } from '../support/search-runs.ts'

const opened: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const one of opened.splice(0)) await one.close()
})

async function open(url: string): Promise<{ store: UsageStore; db: Database }> {
  const store = new DatabaseStore({ url, pepperCheck: '' })
  const db = await openDatabase(url)
  opened.push(store, db)
  return { store, db }
}

/** Requests of two keys, in 0.1 ms each. */
const cells = (a: number, b = 0) =>
  [
    { key: 'a', endpoint: '/x', requestCount: a, durationUs: a * 100 },
    { key: 'b', endpoint: '/y', requestCount: b, durationUs: b * 100 },
  ].filter(({ requestCount }) => requestCount > 0)

forEachDatabase('a counter file that was copied', (_, makeUrl) => {
  /** Sends batches of one instance, and reads what the database makes of them. */
  async function openInstance() {
    const { store, db } = await open(await makeUrl())
    const instance = randomUUID()
    return {
      db,
      instance,
      send: (
        rows: ReturnType<typeof cells>,
        head: { sequence?: number; countedBefore?: number; isSealed?: boolean; openSequence?: number } = {},
      ) => store.recordBatch(makeBatch({ instance, rows, ...head })),
      read: async () => {
        const [a, b] = await Promise.all(
          ['/x', '/y'].map(async (endpoint) => (await findUsage(db, { endpoint, latency: true }))[0]),
        )
        const { balanced, missingRequests } = await verifyUsage(db, { histograms: true })
        expect(balanced).toBe(true)
        for (const row of [a, b]) {
          expect(row?.durationUs ?? 0).toBe((row?.requestCount ?? 0) * 100)
          expect(row?.latency?.measuredCount ?? 0).toBe(row?.requestCount ?? 0)
        }
        return [a?.requestCount ?? 0, b?.requestCount ?? 0, missingRequests]
      },
    }
  }

  test('is delivered first: of the original only the rest is added, once', async () => {
    const { db, instance, send, read } = await openInstance()
    expect(await send(cells(5, 2), { isSealed: false })).toBe('applied')
    expect(await read()).toEqual([5, 2, 0])
    expect(await countLacking(db, [{ instance, countedBefore: 0, requestCount: 12 }])).toMatchObject({
      requests: 5,
    })
    expect(await send(cells(8, 4))).toBe('applied')
    expect(await send(cells(8, 4))).toBe('applied before')
    expect(await read()).toEqual([8, 4, 0])
    expect(await countLacking(db, [{ instance, countedBefore: 0, requestCount: 12 }])).toMatchObject({
      requests: 0,
    })
    expect(await send(cells(1), { sequence: 2, countedBefore: 12 })).toBe('applied')
    expect(await read()).toEqual([9, 4, 0])
  })

  test('is delivered last: nothing of it is added', async () => {
    const { send, read } = await openInstance()
    await send(cells(8, 4))
    expect(await send(cells(5, 2), { isSealed: false })).toBe('applied before')
    await send(cells(1), { sequence: 2, countedBefore: 12 })
    expect(await send(cells(5, 2), { isSealed: false })).toBe('applied before')
    expect(await send(cells(8, 4))).toBe('applied before')
    expect(await read()).toEqual([9, 4, 0])
  })

  test('is delivered twice, from copies that were made one after the other or while it was written', async () => {
    const { send, read } = await openInstance()
    await send(cells(5), { isSealed: false })
    expect(await send(cells(3, 4), { isSealed: false })).toBe('applied')
    expect(await read()).toEqual([5, 4, 0])
    expect(await send(cells(5, 4), { isSealed: false })).toBe('applied before')
    expect(await send(cells(6, 6), { isSealed: false })).toBe('applied')
    expect(await send(cells(7, 6))).toBe('applied')
    expect(await read()).toEqual([7, 6, 0])
  })

  test('goes on under the same sequence in two places: refused by name, and nothing of it is added', async () => {
    const { send, read } = await openInstance()
    await send(cells(5))
    const copied = { code: 'INSTANCE_COPIED', message: expect.stringContaining('which has batch 1 and 5') }
    await expect(send(cells(7))).rejects.toMatchObject(copied)
    await expect(send(cells(4))).rejects.toMatchObject(copied)
    await expect(send(cells(9), { isSealed: false })).rejects.toMatchObject(copied)
    // whoever counts into batch 2 has not sent a batch 3
    await send(cells(1), { sequence: 2, countedBefore: 5 })
    await send(cells(1), { sequence: 3, countedBefore: 6 })
    await expect(send(cells(5), { openSequence: 2 })).rejects.toMatchObject({ code: 'INSTANCE_COPIED' })
    // its numbers overlap with what arrived
    await expect(send(cells(3), { sequence: 4, countedBefore: 6 })).rejects.toMatchObject({
      code: 'INSTANCE_COPIED',
    })
    expect(await read()).toEqual([7, 0, 0])
  })

  test('went another way before a batch that a killed copy left open: refused by name, and nothing of it is added', async () => {
    const { send, read } = await openInstance()
    await send(cells(10))
    await send(cells(5), { sequence: 2, countedBefore: 10, isSealed: false })
    for (const isSealed of [true, false]) {
      await expect(send(cells(7), { sequence: 2, countedBefore: 12, isSealed })).rejects.toMatchObject({
        code: 'INSTANCE_COPIED',
      })
    }
    expect(await read()).toEqual([15, 0, 0])
    await send(cells(6), { sequence: 2, countedBefore: 10 })
    expect(await read()).toEqual([16, 0, 0])
  })

  test('has fewer requests of a row than a copy that was delivered: refused by name', async () => {
    const { send, read } = await openInstance()
    await send(cells(5, 2), { isSealed: false })
    await expect(send(cells(9, 1))).rejects.toMatchObject({ code: 'INSTANCE_COPIED' })
    expect(await read()).toEqual([5, 2, 0])
  })

  test('has a batch that was taken for missing: it fills its gap, once', async () => {
    const { db, instance, send, read } = await openInstance()
    await send(cells(5))
    await send(cells(1), { sequence: 4, countedBefore: 25 })
    expect(await read()).toEqual([6, 0, 20])
    const late = { sequence: 2, countedBefore: 10 }
    expect(await countLacking(db, [{ instance, countedBefore: 10, requestCount: 8 }])).toMatchObject({
      requests: 8,
    })
    expect(await send(cells(4, 4), late)).toBe('applied')
    expect(await send(cells(4, 4), late)).toBe('applied before')
    expect(await read()).toEqual([10, 4, 12])
    const [account] = (await verifyUsage(db)).instances
    expect(account?.missing).toEqual([
      { from: 6, to: 10 },
      { from: 19, to: 25 },
    ])
    await expect(send(cells(6), { sequence: 2, countedBefore: 8 })).rejects.toMatchObject({
      code: 'INSTANCE_COPIED',
    })
    // one that was not sealed, and then all of it
    expect(await send(cells(2), { sequence: 3, countedBefore: 18, isSealed: false })).toBe('applied')
    expect(await read()).toEqual([12, 4, 10])
    expect(await send(cells(3, 4), { sequence: 3, countedBefore: 18 })).toBe('applied')
    expect(await send(cells(3, 4), { sequence: 3, countedBefore: 18 })).toBe('applied before')
    expect(await read()).toEqual([13, 8, 5])
  })

  test('in whatever order copies and original come, every request is there once', async () => {
    const { store, db } = await open(await makeUrl())
    const batch = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 9 }))
    const history = fc.array(batch, { minLength: 1, maxLength: 4 })
    // where copies are made: in which batch, after which share of either cell; and when each comes
    const copies = fc.array(fc.tuple(fc.nat(3), fc.double({ noNaN: true, min: 0, max: 1 }), fc.nat(4)))
    let expected = 0
    await fc.assert(
      fc.asyncProperty(history, copies, async (batches, made) => {
        const instance = randomUUID()
        const before = (sequence: number) =>
          batches.slice(0, sequence).reduce((sum, [a, b]) => sum + a + b, 0)
        const send = (sequence: number, a: number, b: number, isSealed: boolean) =>
          a + b > 0
            ? store.recordBatch(
                makeBatch({
                  instance,
                  sequence: sequence + 1,
                  countedBefore: before(sequence),
                  rows: cells(a, b),
                  isSealed,
                }),
              )
            : undefined
        const sendCopies = async (at: number) => {
          for (const [sequence, share, comesAt] of made) {
            // a copy can only be made once its last batch was begun, and it brings the one before too
            const [a, b] = batches[sequence] ?? [0, 0]
            if (comesAt !== at || sequence >= batches.length || sequence > at) continue
            if (sequence > 0 && sequence - 1 >= at) await send(sequence - 1, ...batches[sequence - 1]!, true)
            await send(sequence, Math.floor(a * share), Math.ceil(b * share), false)
          }
        }
        for (const [sequence, [a, b]] of batches.entries()) {
          await sendCopies(sequence)
          await send(sequence, a, b, true)
        }
        await sendCopies(4)
        expected += before(batches.length)
        const account = await verifyUsage(db)
        expect(account).toMatchObject({ storedRequests: expected, balanced: true, missingRequests: 0 })
      }),
      { numRuns: searchRuns(40) },
    )
  })
})
