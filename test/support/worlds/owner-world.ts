import { randomUUID } from 'node:crypto'
import type { AnalyticsError } from '../../../src/model/errors.ts'
import { findKeys } from '../../../src/store/read/find-keys.ts'
import { findUsage } from '../../../src/store/read/find-usage.ts'
import { forgetKey } from '../../../src/store/remove/forget-key.ts'
import { forgetOwner } from '../../../src/store/remove/forget-owner.ts'
import { nameKey } from '../../../src/store/keys/name-key.ts'
import type { Database } from '../../../src/store/database/open-database.ts'
import { pruneUsage } from '../../../src/store/remove/prune-usage.ts'
import { recordBatch } from '../../../src/store/write/record-batch.ts'
import { streamUsage } from '../../../src/store/read/stream-usage.ts'
import { TouchedKeys } from '../../../src/store/write/touched-keys.ts'
import { HOUR, keyIdOf, makeBatch } from '../usage/make-batch.ts'
import { findWrongSums } from '../usage/find-wrong-sums.ts'
import { OwnerModel } from './owner-model.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** Hours of the test. Nothing is counted in the first one, which is the time before all, nor in the last, the present. */
export const HOURS = 8
export const KEYS = ['a', 'b']
export const OWNERS = ['Acme', 'Beta', 'Ünal & Söhne']

export type Step =
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

/** The store and the model side by side. */
export class OwnerWorld {
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
    if (isWrong) return requireRefusal(changing)
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

  /** What the store says of every key and owner. */
  async readStore(): Promise<object> {
    const keys: object[] = []
    for (const key of KEYS) {
      const id = this.#idOf(key)
      const [stored] = await findKeys(this.#db, id)
      const grouped = await findUsage(this.#db, { keyIds: [id], by: ['owner'] })
      const ofKey = await findUsage(this.#db, { keyIds: [id], by: ['key', 'owner'], trend: 'hour' })
      keys.push({
        named: stored && [stored.name, stored.owner],
        byOwner: sort(grouped.map((row) => [row.owner!, row.requestCount])),
        byKey: sort(ofKey.map((row) => [row.key!.owner, row.requestCount])),
        exported: sort(await this.#sumExport(id)),
      })
    }
    const owners: number[] = []
    for (const owner of OWNERS) {
      const [sum] = await findUsage(this.#db, { owner: this.#ownerOf(owner)! })
      owners.push(sum?.requestCount ?? 0)
    }
    return { keys, owners, wrongSums: await findWrongSums(this.#db) }
  }

  /** What it should say. */
  readModel(): object {
    const keys = KEYS.map((key) => {
      const model = this.#models.get(key)
      const sums = [...(model?.requestsByOwner() ?? [])].map(([owner, requests]): Sum => [
        this.#ownerOf(owner),
        requests,
      ])
      const byOwner = sort(sums)
      return {
        named: model && [model.name, this.#ownerOf(model.present)],
        byOwner,
        byKey: byOwner,
        exported: byOwner,
      }
    })
    const owners = OWNERS.map((owner) =>
      [...this.#models.values()].reduce(
        (total, model) => total + (model.requestsByOwner().get(owner) ?? 0),
        0,
      ),
    )
    return { keys, owners, wrongSums: [] }
  }

  async #sumExport(id: string): Promise<Iterable<Sum>> {
    const sums = new Map<string | null, number>()
    for await (const page of streamUsage(this.#db, { keyIds: [id] })) {
      for (const { keyOwner, requestCount } of page) {
        sums.set(keyOwner, (sums.get(keyOwner) ?? 0) + requestCount)
      }
    }
    return sums
  }

  /** @returns how many periods are left of the keys */
  async forgetAll(): Promise<number> {
    for (const key of this.#models.keys()) await forgetKey(this.#db, this.#idOf(key))
    const ids = KEYS.map((key) => this.#idOf(key))
    const left = 'select 1 from api_key_analytics_owners where api_key_id in ($1, $2)'
    return (await this.#db.query(left, ids)).length
  }

  #idOf(key: string): string {
    return keyIdOf(this.#prefix + key)
  }

  #ownerOf(owner: string | null): string | null {
    return owner && this.#prefix + owner
  }
}

type Sum = readonly [owner: string | null, requests: number]

function sort(sums: Iterable<Sum>): Sum[] {
  return [...sums].sort(([a], [b]) => ((a ?? '') < (b ?? '') ? -1 : 1))
}

async function requireRefusal(changing: Promise<void>): Promise<void> {
  const error = await changing.catch((refusal: AnalyticsError) => refusal)
  if (error?.code !== 'ARGUMENT_INVALID') throw new Error('A wrong period was taken.', { cause: error })
}
