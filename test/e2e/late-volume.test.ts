import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { StatementDocument } from '../../src/model/statement.ts'
import { DAY_MS, FIRST_DAY, readNotedCounts } from '../support/crash/counted-days.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { countWaiting, foldersLeft } from '../support/crash/recover.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { startProcess } from '../support/processes/run-process.ts'

const LOST = 700
const dayOf = (date: string) => (Date.parse(date) - FIRST_DAY) / DAY_MS

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

forEachDatabase('a container that dies in October with its volume', (_kind, makeUrl) => {
  test.each([
    ['comes back in December', false],
    ['comes back in December, and what it delivers is pruned the same night', true],
  ])('%s: the next statement corrects October by exactly its counts', async (_name, isPrunedAgain) => {
    const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-volume-'))
    folders.push(folder)
    const path = (name: string) => join(folder, name)
    const database = await makeUrl()
    const runOn = async (machine: string, ...args: string[]) => {
      const result = await runCli([...args, '--database', database, '--data-dir', path(machine)], {
        cwd: folder,
      })
      expect({ args, ...result }).toMatchObject({ args, code: 0 })
      return result.stdout
    }
    const run = (...args: string[]) => runOn('office', ...args)
    mkdirSync(path('office'))
    /** Counts on a day in a process of its own, until it dies or `until` is true. */
    const count = async (
      machine: string,
      date: string,
      dieAfter?: number,
      until?: () => Promise<unknown>,
    ) => {
      writeFileSync(path(`today of ${machine}`), String(dayOf(date)))
      const options = {
        database,
        dataDir: path(machine),
        today: path(`today of ${machine}`),
        noted: path(`${machine} ${date}`),
        seed: 7,
        ...(dieAfter && { dieAfter }),
      }
      const child = startProcess('count-days', JSON.stringify(options))
      const ended = once(child, 'exit')
      if (until) await until().finally(() => child.kill('SIGKILL'))
      expect(await ended).toEqual([null, 'SIGKILL'])
    }
    const recover = (machine: string) => runOn(machine, 'flush')
    const show = async (which: string) =>
      JSON.parse(await run('statements', 'show', which, '--format', 'json')) as StatementDocument

    await count('server', '2025-10-12', 100)
    await recover('server')
    await count('container', '2025-10-20', LOST)
    expect(await countWaiting(path('container'))).toBe(LOST)
    renameSync(path('container'), path('lost volume'))
    await run('close', '--month', '2025-10', '--billable', '2xx')
    const october = await run('statements', 'show', '1')
    await count('server', '2025-11-12', 50)
    await recover('server')
    await run('close', '--month', '2025-11', '--billable', '2xx')
    await run('prune', '--before', '2025-11-01', '--yes')

    renameSync(path('lost volume'), path('new container'))
    // a process that starts on the volume delivers what a dead one left there, and counts
    await count('new container', '2025-12-03', undefined, () => foldersLeft(path('new container'), 1))
    await recover('new container')
    expect(await countWaiting(path('new container'))).toBe(0)
    if (isPrunedAgain) await run('prune', '--before', '2025-11-01', '--yes')
    await run('close', '--month', '2025-12', '--billable', '2xx')

    const { billable, other } = readNotedCounts([path('container 2025-10-20')])
    const lost = Object.fromEntries([...billable].toSorted(byName))
    const { statement, totals, accounts } = await show('3')
    expect(statement.corrects).toMatchObject([{ statement: 1, period: { label: '2025-10' } }])
    const corrections = accounts.flatMap(({ label, lines }) =>
      lines
        .filter(({ period }) => period === 1)
        .map(({ endpoint, unit, quantity }) => [`2025-10-20 ${label} ${endpoint} ${unit}`, Number(quantity)]),
    )
    expect(Object.fromEntries(corrections.toSorted(byName))).toEqual(lost)
    expect(corrections).toHaveLength(billable.size)
    const sumOf = (unit: string) =>
      Object.entries(lost).reduce((sum, [name, quantity]) => sum + (name.endsWith(unit) ? quantity : 0), 0)
    expect(totals!.corrections).toEqual([
      { statement: 1, quantities: { requests: String(sumOf('requests')), tokens: String(sumOf('tokens')) } },
    ])
    expect(sumOf('requests') + other.get('requests')!).toBe(LOST)
    expect(await run('statements', 'show', '1')).toBe(october)
    expect(await run('statements', 'check')).toContain('OK: 3 statements')
    expect(await run('verify')).toContain('OK: every counted request is accounted for.')
  })
})

function byName([a]: readonly unknown[], [b]: readonly unknown[]): number {
  return String(a) < String(b) ? -1 : 1
}
