import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findKeys } from '../../src/store/find-keys.ts'
import { findUsage } from '../../src/store/find-usage.ts'
import { forgetKey } from '../../src/store/forget-key.ts'
import { forgetOwner } from '../../src/store/forget-owner.ts'
import { nameKey } from '../../src/store/name-key.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import type { Database } from '../../src/store/open-database.ts'
import { pruneUsage } from '../../src/store/prune-usage.ts'
import { recordBatch } from '../../src/store/record-batch.ts'
import { streamUsage } from '../../src/store/stream-usage.ts'
import { TouchedKeys } from '../../src/store/touched-keys.ts'
import { verifyUsage } from '../../src/store/verify-usage.ts'
import { forEachDatabase } from '../support/for-each-database.ts'
import { HOUR, keyIdOf, makeBatch } from '../support/make-batch.ts'
import { OwnerModel } from '../support/owner-model.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** Hours of the test. Nothing is counted in the first one, which is the time before all, nor in the last, the present. */
const HOURS = 8
const KEYS = ['a', 'b']
const OWNERS = ['Acme', 'Beta', 'Ünal & Söhne']

const anyKey = fc.constantFrom(...KEYS)
const anyHour = fc.integer({ min: 1, max: HOURS - 2 })
const anyOwner = fc.option(fc.constantFrom(...OWNERS), { freq: 6 })
const anyName = fc.option(fc.constantFrom('one', 'two'), { freq: 4 })

type Step =
  | { do: 'flush'; process: number; keys: Said[]; hour: number; minute: number }
  | { do: 'name'; key: string; name: string | null }
  | { do: 'own'; key: string; owner: string | null; from: number | null; until: number | null; at: number }
  | { do: 'forget key'; key: string }
  | { do: 'forget owner'; owner: string }
  | { do: 'prune'; hour: number }
interface Said {
  key: string
  name: string | null
  owner: string | null
}

/** Batches come in any order of time: from living processes, and from dead ones whose files are found later. */
const anyFlush = fc.record({
  do: fc.constant('flush' as const),
  process: fc.nat(2),
  hour: anyHour,
  minute: fc.nat(59),
  keys: fc.uniqueArray(fc.record({ key: anyKey, name: anyName, owner: anyOwner }), {
    selector: ({ key }) => key,
    minLength: 1,
  }),
})
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: anyFlush },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('name' as const), key: anyKey, name: anyName }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('own' as const),
      key: anyKey,
      owner: fc.option(fc.constantFrom(...OWNERS), { freq: 2 }),
      from: fc.option(anyHour),
      until: fc.option(anyHour),
      at: anyHour,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget key' as const), key: anyKey }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('forget owner' as const), owner: fc.constantFrom(...OWNERS) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prune' as const), hour: anyHour }) },
)

forEachDatabase('names and owners', (_, makeUrl) => {
  let db: Database
  let databaseId: string
  let run = 0
  beforeAll(async () => {
    db = await openDatabase(await makeUrl())
    const [meta] = await db.query<{ id: string }>('select database_id as id from api_key_analytics_meta')
    databaseId = meta!.id
  })
  afterAll(() => db.close())

  test('are what the last word says, whatever comes late, from whom, and whatever persons set', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 20, size: 'max' }), async (steps) => {
        const world = new World(db, databaseId, `run ${(run += 1)} `)
        for (const step of steps) await world.take(step)
        await world.check()
        await world.end()
      }),
      { numRuns: 150 },
    )
    expect(await verifyUsage(db)).toMatchObject({ balanced: true, missingRequests: 0 })
  })
})

/** The store and the model side by side. */
class World {
  readonly #db: Database
  readonly #databaseId: string
  readonly #prefix: string
  readonly #processes = [new TouchedKeys(), new TouchedKeys(), new TouchedKeys()]
  readonly #times = this.#processes.map(() => new Set<number>())
  readonly #models = new Map<string, OwnerModel>()

  constructor(db: Database, databaseId: string, prefix: string) {
    this.#db = db
    this.#databaseId = databaseId
    this.#prefix = prefix
  }

  async take(step: Step): Promise<void> {
    if (step.do === 'flush') return this.#flush(step)
    if (step.do === 'forget owner') return this.#forgetOwner(step.owner)
    if (step.do === 'prune') return this.#prune(step.hour)
    const model = this.#models.get(step.key)
    if (!model) return
    if (step.do === 'name') {
      await nameKey(this.#db, this.#idOf(step.key), { name: step.name }, HOUR)
      model.setName(step.name)
    } else if (step.do === 'own') await this.#own(step, model)
    else {
      await forgetKey(this.#db, this.#idOf(step.key))
      this.#models.delete(step.key)
    }
  }

  async #flush({ process, hour, minute, keys }: Step & { do: 'flush' }): Promise<void> {
    const time = HOUR + hour * HOUR_MS + minute * MINUTE_MS
    // within a minute a process does not repeat itself, so that a person's change may wait for its next word
    if (this.#times[process]!.has(time)) return
    this.#times[process]!.add(time)
    const batch = makeBatch({
      instance: randomUUID(),
      bucket: HOUR + hour * HOUR_MS,
      sealedAt: time,
      rows: keys.map(({ key }) => ({ key: this.#prefix + key, requestCount: 2 })),
      identities: Object.fromEntries(
        keys.map(({ key, name, owner }) => [this.#prefix + key, { name, owner: this.#ownerOf(owner) }]),
      ),
    })
    const touched = this.#processes[process]!
    await recordBatch(this.#db, batch, { databaseId: this.#databaseId, touched })
    for (const { key, name, owner } of keys) {
      const model = this.#models.get(key) ?? new OwnerModel(HOURS)
      this.#models.set(key, model)
      model.hearName(name, time)
      model.hearOwner(owner, hour, time)
      model.requests[hour]! += 2
    }
  }

  async #own({ key, owner, from, until, at }: Step & { do: 'own' }, model: OwnerModel): Promise<void> {
    const now = HOUR + at * HOUR_MS + 1
    const isWrong = (from ?? 0) > at || (until ?? 0) > at || (until !== null && until <= (from ?? -1))
    const changing = nameKey(
      this.#db,
      this.#idOf(key),
      {
        owner: this.#ownerOf(owner),
        ...(from !== null && { from: new Date(HOUR + from * HOUR_MS) }),
        ...(until !== null && { until: new Date(HOUR + until * HOUR_MS) }),
      },
      now,
    )
    if (isWrong) return expect(changing).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await changing
    const start = from ?? (until === null && model.hadOwner ? at : 0)
    model.setOwner(owner, start, until ?? HOURS, now)
  }

  async #forgetOwner(owner: string): Promise<void> {
    await forgetOwner(this.#db, this.#ownerOf(owner)!)
    for (const [key, model] of this.#models) {
      const wasTheirs = model.cells.some((cell) => cell.owner === owner)
      if (wasTheirs && model.forget(owner)) this.#models.delete(key)
    }
  }

  async #prune(hour: number): Promise<void> {
    const keyIds = KEYS.map((key) => this.#idOf(key))
    await pruneUsage(this.#db, { before: new Date(HOUR + hour * HOUR_MS), keyIds })
    for (const model of this.#models.values()) model.prune(hour)
  }

  async check(): Promise<void> {
    for (const key of KEYS) {
      const id = this.#idOf(key)
      const model = this.#models.get(key)
      const [stored] = await findKeys(this.#db, id)
      expect(stored && [stored.name, stored.owner]).toEqual(
        model && [model.name, this.#ownerOf(model.present)],
      )
      const expected = new Map(
        [...(model?.requestsByOwner() ?? [])].map(([owner, requests]) => [this.#ownerOf(owner), requests]),
      )
      const grouped = await findUsage(this.#db, { keyIds: [id], by: ['owner'] })
      expect(new Map(grouped.map(({ owner, requestCount }) => [owner, requestCount]))).toEqual(expected)
      const ofKeys = await findUsage(this.#db, { keyIds: [id], by: ['key', 'owner'], trend: 'hour' })
      expect(new Map(ofKeys.map((row) => [row.key!.owner, row.requestCount]))).toEqual(expected)
      expect(ofKeys).toHaveLength(expected.size)
      expect(await this.#sumExport(id)).toEqual(expected)
    }
    for (const owner of OWNERS) {
      const [sum] = await findUsage(this.#db, { owner: this.#ownerOf(owner)! })
      const expected = [...this.#models.values()].reduce(
        (total, model) => total + (model.requestsByOwner().get(owner) ?? 0),
        0,
      )
      expect(sum?.requestCount ?? 0).toBe(expected)
    }
  }

  async #sumExport(id: string): Promise<Map<string | null, number>> {
    const sums = new Map<string | null, number>()
    for await (const page of streamUsage(this.#db, { keyIds: [id] })) {
      for (const { keyOwner, requestCount } of page) {
        sums.set(keyOwner, (sums.get(keyOwner) ?? 0) + requestCount)
      }
    }
    return sums
  }

  async end(): Promise<void> {
    for (const key of this.#models.keys()) await forgetKey(this.#db, this.#idOf(key))
    const left = await this.#db.query('select 1 from api_key_analytics_owners where api_key_id in ($1, $2)', [
      ...KEYS.map((key) => this.#idOf(key)),
    ])
    expect(left).toEqual([])
  }

  #idOf(key: string): string {
    return keyIdOf(this.#prefix + key)
  }

  #ownerOf(owner: string | null): string | null {
    return owner && this.#prefix + owner
  }
}
