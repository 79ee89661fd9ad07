import { randomUUID } from 'node:crypto'
import { AnalyticsError } from '../../../src/model/errors.ts'
import type { UsageQuery } from '../../../src/model/usage-query.ts'
import type { UsageRow } from '../../../src/model/usage-row.ts'
import { findLines } from '../../../src/store/keys/key-lines.ts'
import { linkKey, unlinkKey } from '../../../src/store/keys/link-keys.ts'
import { nameKey } from '../../../src/store/keys/name-key.ts'
import { findUsage } from '../../../src/store/read/find-usage.ts'
import { forgetKey } from '../../../src/store/remove/forget-key.ts'
import type { Database } from '../../../src/store/database/open-database.ts'
import { recordBatch } from '../../../src/store/write/record-batch.ts'
import { TouchedKeys } from '../../../src/store/write/touched-keys.ts'
import { findWrongLinks } from '../usage/find-wrong-links.ts'
import { findWrongSums } from '../usage/find-wrong-sums.ts'
import { HOUR, keyIdOf, makeBatch } from '../usage/make-batch.ts'

const HOUR_MS = 3_600_000
export const LINK_HOURS = 6
export const LINK_KEYS = ['a', 'b', 'c', 'd', 'e']
export const LINK_OWNERS = ['Acme', 'Beta']

export type LinkStep =
  | { do: 'count'; hour: number; keys: { key: string; owner: string | null; requests: number }[] }
  | { do: 'link'; key: string; continues: string; acrossOwners: boolean }
  | { do: 'unlink'; key: string }
  | { do: 'forget'; key: string }
  | { do: 'transfer'; key: string; owner: string; hour: number }

/** A database and a model of its links side by side. The model is a map from each key to the one that it continues. */
export class LinkWorld {
  readonly #db: Database
  readonly #databaseId: string
  readonly #prefix: string
  /** Keys that are stored, in the order in which they came. */
  readonly #known: string[] = []
  readonly #continues = new Map<string, string>()
  /** What is wrong so far. */
  readonly wrong: unknown[] = []

  constructor(db: Database, databaseId: string, prefix: string) {
    this.#db = db
    this.#databaseId = databaseId
    this.#prefix = prefix
  }

  async take(step: LinkStep): Promise<void> {
    if (step.do === 'count') return this.#count(step)
    const isKnown = this.#known.includes(step.key)
    if (step.do === 'link') return this.#unchanged(() => this.#link(step))
    if (step.do === 'unlink') return this.#unchanged(() => this.#unlink(step.key))
    if (!isKnown) return undefined
    if (step.do === 'forget') return this.#forget(step.key)
    const [owner, from] = [this.#prefix + step.owner, new Date(HOUR + step.hour * HOUR_MS)]
    const now = HOUR + LINK_HOURS * HOUR_MS
    return nameKey(this.#db, this.#idOf(step.key), { owner, from }, now)
  }

  /** Whether sums over lines are the sums of their parts, and the lines those of the model. */
  async check(): Promise<void> {
    const parts = await this.#read({ by: ['key'], links: false })
    const lines = await this.#read({ by: ['key'] })
    const expected = this.#linesOfModel()
      .map((line) => line.map((key) => this.#idOf(key)))
      .map((line) => sumOf(parts.filter(({ key }) => line.includes(key!.id))))
      .filter((requests) => requests > 0)
    this.#compare('lines', sortNumbers(lines.map((row) => row.requestCount)), sortNumbers(expected))
    for (const line of this.#linesOfModel()) {
      const ids = line.map((key) => this.#idOf(key))
      const of = parts.filter(({ key }) => ids.includes(key!.id))
      for (const id of ids) {
        const [sum] = await findUsage(this.#db, { keyIds: [id] })
        this.#compare(`the line of ${id}`, sum?.requestCount ?? 0, sumOf(of))
      }
      const stored = (await findLines(this.#db, [ids[0]!])).get(ids[0]!)?.keyIds ?? [ids[0]]
      this.#compare('the keys of a line', stored, ids.toSorted())
    }
    this.#compare('links', await findWrongLinks(this.#db), [])
    this.#compare('sums of owners', await findWrongSums(this.#db), [])
  }

  async clean(): Promise<void> {
    for (const key of this.#known) await forgetKey(this.#db, this.#idOf(key))
  }

  /** A link or the end of one changes no total, no total of an owner, and no part. */
  async #unchanged(change: () => Promise<void>): Promise<void> {
    const read = async () => ({
      total: await this.#read({}),
      owners: await this.#read({ by: ['owner'] }),
      ofOwners: await Promise.all(LINK_OWNERS.map((owner) => this.#read({ owner: this.#prefix + owner }))),
      parts: await this.#read({ by: ['key', 'owner', 'hour'], links: false }),
    })
    const before = await read()
    await change()
    this.#compare('what a link must not change', await read(), before)
  }

  async #count({ hour, keys }: LinkStep & { do: 'count' }): Promise<void> {
    for (const { key } of keys) if (!this.#known.includes(key)) this.#known.push(key)
    const batch = makeBatch({
      instance: randomUUID(),
      bucket: HOUR + hour * HOUR_MS,
      sealedAt: HOUR + hour * HOUR_MS + 1000,
      rows: keys.map(({ key, requests }) => ({ key: this.#prefix + key, requestCount: requests })),
      identities: Object.fromEntries(
        keys.map(({ key, owner }) => [this.#prefix + key, { owner: owner && this.#prefix + owner }]),
      ),
    })
    await recordBatch(this.#db, batch, { databaseId: this.#databaseId, touched: new TouchedKeys() })
  }

  async #link({ key, continues, acrossOwners }: LinkStep & { do: 'link' }): Promise<void> {
    const present = this.#continues.get(key)
    const linking = linkKey(this.#db, this.#idOf(key), { continues: this.#idOf(continues), acrossOwners })
    const result = await answerOf(linking)
    const areKnown = this.#known.includes(key) && this.#known.includes(continues)
    const isPossible =
      key !== continues && areKnown && present === undefined && !this.#lineOf(key).includes(continues)
    if (present === continues) return this.#compare('a link that there is', result, false)
    // the owners decide too, unless they may not
    if (isPossible && result === true) this.#continues.set(key, continues)
    else if (isPossible && !acrossOwners)
      this.#compare('a refusal', /different owners/.test(String(result)), true)
    else this.#compare('a refusal', typeof result, 'string')
  }

  async #unlink(key: string): Promise<void> {
    const before = this.#continues.get(key)
    const result = await answerOf(unlinkKey(this.#db, this.#idOf(key)))
    if (before) this.#compare('the key before', result, this.#idOf(before))
    else this.#compare('nothing to unlink', typeof result === 'undefined' || /no key/.test(result), true)
    this.#continues.delete(key)
  }

  async #forget(key: string): Promise<void> {
    await forgetKey(this.#db, this.#idOf(key))
    const before = this.#continues.get(key)
    const children = this.#known.filter((other) => this.#continues.get(other) === key)
    this.#continues.delete(key)
    this.#known.splice(this.#known.indexOf(key), 1)
    // all that matters here is that they stay together
    const [first] = children
    for (const child of children) {
      if (before) this.#continues.set(child, before)
      else if (child === first) this.#continues.delete(child)
      else this.#continues.set(child, first!)
    }
    // which of them is the first one is up to the store
    if (!before) await this.#adoptFirst(children)
  }

  /** Takes over from the store which of some keys is the first of a line now. */
  async #adoptFirst(children: readonly string[]): Promise<void> {
    const ids = new Map(children.map((child) => [this.#idOf(child), child]))
    const rows = await this.#db.query<{ id: string; continues: string | null }>(
      'select api_key_id as id, continues from api_key_analytics_links',
    )
    for (const { id, continues } of rows) {
      const child = ids.get(id)
      if (child === undefined) continue
      if (continues === null) this.#continues.delete(child)
      else this.#continues.set(child, ids.get(continues)!)
    }
  }

  #lineOf(key: string): string[] {
    return this.#linesOfModel().find((line) => line.includes(key)) ?? [key]
  }

  #linesOfModel(): string[][] {
    const firstOf = (key: string): string => {
      const before = this.#continues.get(key)
      return before === undefined ? key : firstOf(before)
    }
    return [...Map.groupBy(this.#known, firstOf).values()]
  }

  /** Usage of the keys of this run, without the others that may be in the database. */
  async #read(query: UsageQuery): Promise<UsageRow[]> {
    return findUsage(this.#db, { sort: 'group', ...query, keyIds: LINK_KEYS.map((key) => this.#idOf(key)) })
  }

  #compare(what: string, found: unknown, expected: unknown): void {
    if (JSON.stringify(found) !== JSON.stringify(expected)) this.wrong.push({ what, found, expected })
  }

  #idOf(key: string): string {
    return keyIdOf(this.#prefix + key)
  }
}

/** The result, or the message of a refusal. */
async function answerOf<T>(asked: Promise<T>): Promise<T | string> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof AnalyticsError && error.code === 'ARGUMENT_INVALID') return error.message
    throw error
  }
}

function sumOf(rows: readonly UsageRow[]): number {
  return rows.reduce((sum, { requestCount }) => sum + requestCount, 0)
}

function sortNumbers(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b)
}
