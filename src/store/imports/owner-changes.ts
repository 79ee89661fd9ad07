import { chunksOf } from '../../model/chunks-of.ts'
import { AnalyticsError } from '../../model/errors.ts'
import type { ImportedRow } from '../../model/imported-row.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { writeOwners } from '../keys/key-owners.ts'
import type { OwnerPeriod } from '../keys/owner-periods.ts'
import type { BroughtKey } from './bring-keys.ts'

/** The owner of a key at the start of a bucket. */
interface Seen {
  readonly bucket: number
  readonly owner: string | null
}

/** Most that is kept in memory: few keys ever change their owner. */
const MOST_SEEN = 200_000
const CHUNK_KEYS = 500

/** Collects which of the keys that an import brings have another owner later, and stores their periods. */
export class OwnerChanges {
  readonly #seen = new Map<string, Seen[]>()
  #count = 0

  /** Notes the owners of rows. `keys` are the brought ones among their keys. */
  note(rows: readonly ImportedRow[], keys: ReadonlyMap<string, BroughtKey>): void {
    const others = rows.filter(({ key }) => {
      const brought = keys.get(key.id)
      return brought && (brought.owner !== key.owner || this.#seen.has(key.id))
    })
    if (others.length === 0) return
    const changing = new Set(others.map(({ key }) => key.id))
    const byKey = Map.groupBy(
      rows.filter(({ key }) => changing.has(key.id)),
      ({ key }) => key.id,
    )
    for (const [id, ofKey] of byKey) {
      const inOrder = ofKey
        .map(({ bucket, key }) => ({ bucket, owner: key.owner }))
        .sort((a, b) => a.bucket - b.bucket)
      this.#add(id, inOrder, keys.get(id)!)
    }
  }

  #add(id: string, inOrder: readonly Seen[], { owner, first, last }: BroughtKey): void {
    const known = this.#seen.get(id)
    const seen = known ?? []
    if (!known) {
      // before these rows the key had one owner, in the time that reaches to these
      if (first < inOrder[0]!.bucket) seen.push({ bucket: first, owner })
      if (last > inOrder.at(-1)!.bucket) seen.push({ bucket: last, owner })
      this.#seen.set(id, seen)
    }
    const before = seen.length
    for (const [index, one] of inOrder.entries()) {
      const isInside = inOrder[index - 1]?.owner === one.owner && inOrder[index + 1]?.owner === one.owner
      if (isInside) continue
      const [a, b] = seen.slice(-2)
      const isLonger =
        a &&
        b &&
        a.owner === one.owner &&
        b.owner === one.owner &&
        a.bucket <= b.bucket &&
        b.bucket <= one.bucket
      if (isLonger) seen[seen.length - 1] = one
      else seen.push(one)
    }
    this.#count += seen.length - before
    if (this.#count <= MOST_SEEN) return
    throw new AnalyticsError(
      'WRONG_USAGE',
      `The keys of this file change their owners more than ${MOST_SEEN / 2} times. Nothing was imported.`,
    )
  }

  /** Stores the periods of the owners. */
  async write(tx: Statements, dialect: Dialect): Promise<void> {
    const keys = [...this.#seen]
    for (const some of chunksOf(keys, CHUNK_KEYS)) {
      await writeOwners(tx, dialect, new Map(some.map(([id, seen]) => [id, toPeriods(seen)])))
    }
  }
}

/** A bucket has one owner: the one whose row comes last in the file. */
function toPeriods(seen: readonly Seen[]): OwnerPeriod[] {
  const byBucket = new Map(seen.map(({ bucket, owner }) => [bucket, owner]))
  const inOrder = [...byBucket].sort(([a], [b]) => a - b)
  return inOrder
    .filter(([, owner], index) => index === 0 || owner !== inOrder[index - 1]![1])
    .map(([bucket, owner], index) => ({
      since: index === 0 ? 0 : bucket,
      owner,
      setBy: 'app',
      saidAt: null,
    }))
}
