/**
 * Times flushes and reports while rows, instances and processes grow, on both databases, and prints Markdown tables:
 * `npm run bench:scale -- [--units] [--max-rows 10000000] [--max-instances 16] [--rounds 21] [--flushes 160]
 * [--passes 3] [--database sqlite] [--svg .github/scale.svg]`. Ratios are to the first size of the same run. Everything it makes
 * but the plot is deleted; 10 million rows need 6 GB of disk and about ten minutes.
 */
import { writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { DATABASE_KINDS, makeDatabase } from '../../support/databases/databases.ts'
import type { DatabaseKind } from '../../support/databases/databases.ts'
import { startCluster } from '../../support/databases/start-cluster.ts'
import { drawPlot } from './draw-plot.ts'
import type { Panel } from './draw-plot.ts'
import { measureInstances, measureLedger } from './measure-instances.ts'
import { measureRows } from './measure-rows.ts'
import type { CostsBySize, RowCost } from './measure-rows.ts'
import { renderTable } from './render-tables.ts'

const { values } = parseArgs({
  options: {
    'max-rows': { type: 'string', default: '10000000' },
    'max-instances': { type: 'string', default: '16' },
    // timed after one to warm up; the median counts
    rounds: { type: 'string', default: '21' },
    // of all processes together, in each of the passes
    flushes: { type: 'string', default: '160' },
    passes: { type: 'string', default: '3' },
    // also with a unit in every row, which doubles the disk and the time of the first table
    units: { type: 'boolean', default: false },
    database: { type: 'string' },
    svg: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const rowSizes = [1e4, 1e5, 1e6, 1e7].filter((rows) => rows <= Number(values['max-rows']))
const instanceSizes = [1, 2, 4, 8, 16].filter((count) => count <= Number(values['max-instances']))
const ledgerSizes = [1, 100, 10_000, 100_000]
const NAMES: Record<DatabaseKind, string> = { sqlite: 'SQLite', postgresql: 'PostgreSQL' }
/** A cost that should stay the same may be off by so much: a busy machine is. */
const FLAT = 1.5

const panels: Panel[] = []
const together: { name: string; ms: readonly number[] }[] = []
print(
  `Node ${process.versions.node}, ${availableParallelism()} cores, load ${loadavg()[0]!.toFixed(1)} before the run`,
)
const kinds = DATABASE_KINDS.filter((kind) => values.database === undefined || values.database === kind)
for (const kind of kinds) await benchDatabase(kind)
panels.push({
  title: 'Flushing the same 1000 cells at once',
  xLabel: 'processes',
  lines: together.map(({ name, ms }) => ({
    name: `${name}, time per flush`,
    points: zip(instanceSizes, ms),
  })),
})
if (values.svg) writeFileSync(values.svg, drawPlot(panels))

async function benchDatabase(kind: DatabaseKind): Promise<void> {
  const cluster = kind === 'postgresql' ? await startCluster() : undefined
  try {
    print(`\n## ${NAMES[kind]}\n`)
    await benchRows(kind, cluster?.url)
    await benchLedger(kind, cluster?.url)
    await benchProcesses(kind, cluster?.url)
  } finally {
    await cluster?.remove()
  }
}

async function benchRows(kind: DatabaseKind, server: string | undefined): Promise<void> {
  const options = { sizes: rowSizes, rounds, withUnits: values.units }
  const costs = await withDatabases(kind, server, rowSizes, (urls) => measureRows(kind, urls, options))
  const flat = rowsOf(costs, {
    existing: 'flush of 1000 rows that are there',
    fresh: 'flush of 1000 new rows',
    key: 'report of a key with 720 rows',
    existingUnit: 'flush of 1000 rows that are there, with a unit',
    keyUnit: 'report of a unit of that key',
  })
  const growing = rowsOf(costs, {
    scattered: 'flush of one row of each of 1000 keys',
    overview: 'overview of 30 days (a third of all rows)',
    overviewUnit: 'overview of a unit',
  })
  print(renderTable('Rows in the table', rowSizes, [...flat, ...growing]))
  for (const row of flat) warnOfGrowth(row)
  panels.push({
    title: NAMES[kind],
    xLabel: 'rows in the table',
    lines: [...flat, ...growing].map(({ name, ms }) => ({ name, points: zip(rowSizes, ms) })),
  })
}

/** The costs that were measured, with their names. */
function rowsOf(
  costs: CostsBySize,
  names: Partial<Record<RowCost, string>>,
): { name: string; ms: readonly number[] }[] {
  return Object.entries(names).flatMap(([cost, name]) => {
    const ms = costs[cost as RowCost]
    return ms ? [{ name, ms }] : []
  })
}

async function benchLedger(kind: DatabaseKind, server: string | undefined): Promise<void> {
  const options = { sizes: ledgerSizes, rounds }
  const ms = await withDatabases(kind, server, ledgerSizes, (urls) => measureLedger(kind, urls, options))
  const row = { name: 'flush of 1000 rows that are there', ms }
  print(`\n${renderTable('Instances in the ledger', ledgerSizes, [row])}`)
  warnOfGrowth(row)
}

async function benchProcesses(kind: DatabaseKind, server: string | undefined): Promise<void> {
  const options = { sizes: instanceSizes, flushes: Number(values.flushes), passes: Number(values.passes) }
  const { perFlush: ms, retries } = await measureInstances(kind, server, options)
  const row = { name: 'time per flush of 1000 rows, all together', ms }
  print(`\n${renderTable('Processes that flush the same cells', instanceSizes, [row])}`)
  const rates = ms.map((one) => Math.round(1e6 / one).toLocaleString('en-US'))
  print(
    `\nRows per second: ${rates.join(' / ')}. Tried again: ${retries.join(' / ')}. All sums exact, verify OK.`,
  )
  warnOfGrowth(row)
  together.push({ name: NAMES[kind], ms })
}

/** Gives a new database for each size, and removes them all. */
async function withDatabases<T>(
  kind: DatabaseKind,
  server: string | undefined,
  sizes: readonly number[],
  measure: (urls: readonly string[]) => Promise<T>,
): Promise<T> {
  const databases = await Promise.all(sizes.map(() => makeDatabase(kind, { server })))
  try {
    return await measure(databases.map(({ url }) => url))
  } finally {
    for (const database of databases) await database.remove()
  }
}

function warnOfGrowth({ name, ms }: { name: string; ms: readonly number[] }): void {
  const ratio = ms.at(-1)! / ms[0]!
  if (ratio > FLAT) print(`\nGROWS: ${name}, ${ratio.toFixed(2)}x where ${FLAT}x is taken for flat`)
}

function zip(sizes: readonly number[], ms: readonly number[]): [number, number][] {
  return sizes.map((size, index) => [size, ms[index]!])
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
