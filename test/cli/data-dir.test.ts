import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { makeDatabase } from '../support/databases/databases.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

let folder: string
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'apikey-analytics-data-dir-')))
})
afterAll(() => rmSync(folder, { recursive: true }))

forEachDatabase('a data folder that is not there', (_kind, makeUrl) => {
  let url: string
  const run = (args: readonly string[], env: Record<string, string> = {}) =>
    runCli(args, { cwd: folder, env: { DATABASE_URL: url, ...env } })
  const close = ['close', '--month', '2026-09', '--billable', '2xx']
  const place = () => join(folder, '.apikey-analytics')

  beforeAll(async () => {
    url = await makeUrl()
    await storeUsage(url, [{ key: testKey(1, 'key_shop'), bucket: '2026-09-01T00:00Z', requests: 3 }])
  })

  test.each([
    ['flush'],
    ['verify'],
    [...close, '--dry-run'],
    ['report'],
    ['quotas', 'list'],
    ['statements', 'list'],
    ['prune', '--before', '2026-01-01', '--dry-run'],
    ['alerts', 'check'],
  ])('is wrong usage of %s when it was named', async (...args) => {
    const missing = join(folder, 'mistyped')
    expect(await run([...args, '--data-dir', 'mistyped'])).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: There is no data folder ${missing}. Correct --data-dir, or leave it out on a machine where the app does not run.\n`,
    })
    expect(await run(args, { APIKEY_ANALYTICS_DIR: missing })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        `There is no data folder ${missing}. Correct APIKEY_ANALYTICS_DIR, or `,
      ),
    })
  })

  test('has nothing that flush could deliver', async () => {
    expect(await run(['flush'])).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: There is no data folder ${place()}. Run this in the working directory of the app, or pass --data-dir.\n`,
    })
  })

  test('is noted by verify and close, which may run on a machine without the app', async () => {
    const note = `There is no data folder ${place()}: counts that wait on this machine are not known.`
    const verified = await run(['verify'])
    expect(verified).toMatchObject({ code: 0, stderr: '' })
    expect(verified.stdout).toContain(`Note: ${note}\n`)
    expect(JSON.parse((await run(['verify', '--json'])).stdout)).toMatchObject({ notes: [note] })
    for (const args of [[...close, '--dry-run'], close]) {
      const { code, stderr } = await run(args)
      expect({ code, stderr }).toEqual({ code: 0, stderr: `Note: ${note}\n` })
    }
    expect((await run(['report'])).code).toBe(0)
  })
})

describe('a data folder of another user', () => {
  let dataDir: string
  beforeAll(async () => {
    dataDir = join(folder, 'odd')
    mkdirSync(join(dataDir, 'counters'), { recursive: true })
    await runCli(['migrate', '--data-dir', dataDir])
  })
  afterAll(() => rmSync(dataDir, { recursive: true }))

  /** Runs a command as somebody who may not use a folder: without its mode, and not as root, who may do everything. */
  async function runAsOther(path: string, mode: number, args: readonly string[]) {
    const isRoot = process.geteuid!() === 0
    chmodSync(folder, 0o755)
    chmodSync(path, mode)
    if (isRoot) process.seteuid!(65534)
    try {
      return await runCli([...args, '--data-dir', dataDir, '--json'], { cwd: '/' })
    } finally {
      if (isRoot) process.seteuid!(0)
      chmodSync(path, 0o700)
    }
  }

  test.each([
    ['verify'],
    ['report'],
    ['flush'],
    ['close', '--month', '2026-09', '--billable', '2xx', '--dry-run'],
  ])('is named by %s, with what to do', async (...args) => {
    const { code, stdout } = await runAsOther(dataDir, 0, args)
    expect({ code, ...JSON.parse(stdout) }).toEqual({
      code: 1,
      error: {
        code: 'DATABASE_REFUSED',
        message: `You may not read ${join(dataDir, 'usage.db')} (EACCES). Run this as the user of the app.`,
      },
    })
  })

  test('is named where the database is another one', async () => {
    const database = await makeDatabase('postgresql')
    onTestFinished(() => database.remove())
    const counters = join(dataDir, 'counters')
    for (const command of ['verify', 'report', 'flush']) {
      const { code, stdout } = await runAsOther(dataDir, 0, [command, '--database', database.url])
      expect({ code, ...JSON.parse(stdout) }).toEqual({
        code: 1,
        error: {
          code: 'DATA_DIR_UNREADABLE',
          message: `You may not read ${counters} (EACCES). Run this as the user of the app.`,
        },
      })
    }
  })

  test('needs to be writable also to be read', async () => {
    const { code, stdout } = await runAsOther(dataDir, 0o555, ['report'])
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({
      code: 1,
      error: {
        code: 'DATABASE_REFUSED',
        message: expect.stringContaining('also reading needs permission to write the file and its folder.'),
      },
    })
  })
})
