import { openDatabase } from '../../../src/store/database/open-database.ts'
import { openStore } from '../../../src/store/open-store.ts'
import { makeDatabase } from '../../support/databases/databases.ts'
import type { DatabaseKind } from '../../support/databases/databases.ts'
import { flushTogether } from '../../support/crash/flush-together.ts'
import { median, timeInTurn } from '../time.ts'
import { startFlushing } from './measure-rows.ts'

const CELLS = 1000
/** The first flushes of a process also compile it. */
const WARM_UP = 5

/** What flushes cost while processes flush the same 1000 cells, by number of processes. */
export interface InstanceCosts {
  /** Milliseconds (median of the passes) from the end of one flush to the end of the next, of whichever process. */
  readonly perFlush: readonly number[]
  /** Flushes that were tried again in all passes. On PostgreSQL that could only be a deadlock. */
  readonly retries: readonly number[]
}

/**
 * Lets real processes, one instance each, flush the same cells of a new database; each number of them in turn.
 * @throws Error when a count is not exact or `verify` finds a difference
 */
export async function measureInstances(
  kind: DatabaseKind,
  server: string | undefined,
  { sizes, flushes, passes }: { sizes: readonly number[]; flushes: number; passes: number },
): Promise<InstanceCosts> {
  const runs = sizes.map(() => [] as { perFlush: number; retries: number }[])
  for (let pass = 0; pass < passes; pass++) {
    for (const [index, processes] of sizes.entries()) {
      runs[index]!.push(await flushAtOnce(kind, server, processes, Math.ceil(flushes / processes)))
    }
  }
  return {
    perFlush: runs.map((run) => median(run.map(({ perFlush }) => perFlush))),
    retries: runs.map((run) => run.reduce((sum, { retries }) => sum + retries, 0)),
  }
}

async function flushAtOnce(
  kind: DatabaseKind,
  server: string | undefined,
  processes: number,
  flushes: number,
): Promise<{ perFlush: number; retries: number }> {
  const database = await makeDatabase(kind, { server })
  try {
    const together = await flushTogether(database.url, { processes, flushes, cells: CELLS, warmUp: WARM_UP })
    if (!together.exact) throw new Error(`${kind}: ${processes} processes left sums that are not exact.`)
    return { perFlush: together.ms / (flushes * processes), retries: together.retries }
  } finally {
    await database.remove()
  }
}

/** Milliseconds (medians) of a flush of 1000 rows when so many other instances have delivered before. */
export async function measureLedger(
  kind: DatabaseKind,
  urls: readonly string[],
  { sizes, rounds }: { sizes: readonly number[]; rounds: number },
): Promise<number[]> {
  for (const [index, url] of urls.entries()) await fillLedger(kind, url, sizes[index]!)
  const stores = urls.map((url) => openStore({ url, pepperCheck: '' }))
  try {
    const works = stores.map((store, index) => {
      const flush = startFlushing(store, CELLS)
      return [String(index), () => flush(0)] as const
    })
    return Object.values(await timeInTurn(rounds, Object.fromEntries(works)))
  } finally {
    for (const store of stores) await store.close()
  }
}

const FILL_LEDGER: Record<DatabaseKind, (instances: number) => string> = {
  sqlite: (instances) => `
with recursive n (n) as (select 1 union all select n + 1 from n where n < ${instances})
insert into api_key_analytics_ledger (instance, sequence, updated_at)
select printf('%08d-0000-4000-8000-000000000000', n), 1, 0 from n`,
  postgresql: (instances) => `
insert into api_key_analytics_ledger (instance, sequence, updated_at)
select gen_random_uuid(), 1, to_timestamp(0) from generate_series(1, ${instances})`,
}

async function fillLedger(kind: DatabaseKind, url: string, instances: number): Promise<void> {
  const db = await openDatabase(url)
  try {
    await db.query(FILL_LEDGER[kind](instances))
    if (kind === 'postgresql') await db.query('vacuum analyze')
  } finally {
    await db.close()
  }
}
