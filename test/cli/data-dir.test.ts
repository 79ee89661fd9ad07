import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
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
