import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { startProcess } from '../support/processes/run-process.ts'

let dataDir: string

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-flush-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

forEachDatabase('flush', (_kind, makeUrl) => {
  test('delivers what a killed process left, once', async () => {
    const database = await makeUrl()
    await kill(await startCounting(database))
    const place = ['--database', database, '--data-dir', dataDir, '--json']
    const first = await runCli(['flush', ...place])
    expect(first.code).toBe(0)
    expect(JSON.parse(first.stdout)).toMatchObject({ requests: 3, batches: 1, dataDir })
    const second = await runCli(['flush', ...place])
    expect(JSON.parse(second.stdout)).toMatchObject({ requests: 0, batches: 0 })
    const verified = await runCli(['verify', ...place])
    expect(JSON.parse(verified.stdout)).toMatchObject({ accountedFor: true, storedRequests: 4 })
  })

  test('leaves the counts of a running process to it', async () => {
    const database = await makeUrl()
    const child = await startCounting(database)
    try {
      const { code, stdout } = await runCli(['flush', '--database', database, '--data-dir', dataDir])
      expect({ code, stdout }).toEqual({
        code: 0,
        stdout: `Nothing to deliver: no dead process left counts in ${dataDir}.\n`,
      })
    } finally {
      await kill(child)
    }
  })

  test('keeps a batch that was tried on another database, and sends it with --adopt', async () => {
    const [first, second] = [await makeUrl(), await makeUrl()]
    await leaveTriedBatch(second)
    const to = ['--database', first, '--data-dir', dataDir]
    const kept = await runCli(['flush', ...to])
    expect(kept).toMatchObject({ code: 1, stderr: expect.stringContaining('flush --adopt') })
    expect(readdirSync(join(dataDir, 'counters'))).toHaveLength(1)
    const adopted = await runCli(['flush', '--adopt', ...to])
    expect(adopted).toMatchObject({ code: 0, stdout: expect.stringContaining('Delivered 2 requests') })
    expect(readdirSync(join(dataDir, 'counters'))).toEqual([])
  })
})

test('flush never makes a database', async () => {
  const missing = await runCli(['flush', '--data-dir', dataDir])
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining(`No usage.db in ${dataDir}`) })
  expect(readdirSync(dataDir)).toEqual([])
})

test('where a process died before it made the embedded file, every command says how to make it', async () => {
  const key = { id: 'customer-1' }
  const options = { dataDir }
  const after = ['GET /jobs', 'GET /jobs'].map((operation) => [key, operation])
  const child = startProcess('count-and-hang', JSON.stringify({ options, before: [], after }))
  await once(child.stdout!, 'data')
  await kill(child)
  for (const name of readdirSync(dataDir).filter((name) => name.startsWith('usage.db'))) {
    rmSync(join(dataDir, name))
  }
  const place = ['--data-dir', dataDir]
  for (const command of ['flush', 'report']) {
    const { code, stderr } = await runCli([command, ...place])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `Error: No usage.db in ${dataDir}: pass --data-dir, or name the database of the app with --database, DATABASE_URL or --env-file. Requests in its counter files: 2. If the app has no other database, run "apikey-analytics migrate" and then "apikey-analytics flush", both with the same --data-dir.\n`,
    })
  }
  await runCli(['migrate', ...place])
  expect((await runCli(['flush', ...place])).stdout).toContain('Delivered 2 requests')
})

test('a data folder that cannot be read hides nothing', async () => {
  writeFileSync(join(dataDir, 'counters'), 'no folder')
  const { stderr } = await runCli(['flush', '--data-dir', dataDir])
  expect(stderr).toBe(
    `Error: No usage.db in ${dataDir}: pass --data-dir, or name the database of the app with --database, DATABASE_URL or --env-file.\n`,
  )
})

/** A process that has delivered one request and holds three more. */
async function startCounting(database: string): Promise<ChildProcess> {
  const key = { id: 'customer-1' }
  const jobs = [1, 2, 3].map((job) => [key, `POST /jobs/${job}`])
  const child = count({ database, before: [[key, 'GET /jobs']], after: jobs })
  await once(child.stdout!, 'data')
  return child
}

/** Leaves a batch of two requests by a process that died after it had begun to send it. */
async function leaveTriedBatch(database: string): Promise<void> {
  const before = ['GET /jobs', 'GET /jobs'].map((operation) => [{ id: 'customer-1' }, operation])
  await once(count({ database, before, after: [], dieAt: 'batch stamped' }), 'close')
}

function count({ database, ...what }: { database: string; before: unknown; after: unknown; dieAt?: string }) {
  return startProcess('count-and-hang', JSON.stringify({ options: { database, dataDir }, ...what }))
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}
