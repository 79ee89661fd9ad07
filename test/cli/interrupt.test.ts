import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { startCli } from '../support/cli/start-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

/** Several, so that much is left to do after the first step. */
const DAYS = 6
const ALL = 36_000
const key = testKey(1, 'key')
const ROWS = Array.from({ length: ALL }, (_, index) => ({
  key,
  bucket: new Date(Date.UTC(2026, 0, 1 + (index % DAYS), index % 24)).toISOString(),
  endpoint: `/${index}/${'long'.repeat(10)}`,
  requests: 2,
}))

forEachDatabase('interrupted commands', (_kind, makeUrl) => {
  let url: string
  let env: Record<string, string>
  const folders: string[] = []
  beforeEach(async () => {
    url = await makeUrl()
    env = { DATABASE_URL: url }
    await storeUsage(url, ROWS)
  })
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

  const verify = async () => JSON.parse((await runCli(['verify', '--json'], { env })).stdout)

  test.each(['prune', 'roll up'])(
    '%s that gets Ctrl-C says what is done, and a second run does the rest',
    async (what) => {
      const args = [
        'prune',
        '--before',
        '2026-02-01',
        '--yes',
        ...(what === 'prune' ? [] : ['--roll-up', 'day']),
      ]
      const { code, stderr } = await breakOff(args, 'SIGINT')
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(
          /\nError: Interrupted after [\d,]+ rows, which are done and logged\. Run it again to continue\.\n$/,
        ),
      })
      const between = await verify()
      expect(between).toMatchObject({ accountedFor: true, deliveredRequests: ALL * 2 })
      expect((await runCli(args, { env })).code).toBe(0)
      const kept = what === 'prune' ? 0 : ALL * 2
      expect(await verify()).toMatchObject({
        accountedFor: true,
        storedRequests: kept,
        prunedRequests: ALL * 2 - kept,
      })
    },
  )

  test.each(['prune', 'roll up'])(
    '%s that is killed loses no count, and a second run does the rest',
    async (what) => {
      const args = [
        'prune',
        '--before',
        '2026-02-01',
        '--yes',
        ...(what === 'prune' ? [] : ['--roll-up', 'day']),
      ]
      expect((await breakOff(args, 'SIGKILL')).code).toBe(null)
      expect(await verify()).toMatchObject({ accountedFor: true, deliveredRequests: ALL * 2 })
      expect((await runCli(args, { env })).code).toBe(0)
      expect(await verify()).toMatchObject({
        accountedFor: true,
        storedRequests: what === 'prune' ? 0 : ALL * 2,
      })
    },
  )

  test('export --out that gets Ctrl-C leaves the old file as it was and nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'apikey-analytics-test-'))
    folders.push(folder)
    const out = join(folder, 'usage.csv')
    await writeFile(out, 'old')
    const child = startCli(['export', '--out', out], { env })
    const ended = once(child, 'close')
    const stderr = text(child.stderr!)
    while ((await readdir(folder)).length < 2) await wait(1)
    child.kill('SIGINT')
    expect(await ended).toEqual([1, null])
    expect(await stderr).toBe(`Error: Interrupted. ${out} is as it was.\n`)
    expect(await readdir(folder)).toEqual(['usage.csv'])
    expect(await readFile(out, 'utf8')).toBe('old')
  })

  /** Sends a signal to a command once it has logged its first step. */
  async function breakOff(
    args: readonly string[],
    signal: NodeJS.Signals,
  ): Promise<{ code: unknown; stderr: string }> {
    const db = await openDatabase(url)
    const child = startCli(args, { env })
    const ended = once(child, 'close')
    const stderr = text(child.stderr!)
    try {
      while (child.exitCode === null && (await steps(db)) === 0) await wait(1)
      child.kill(signal)
      const [code] = await ended
      return { code, stderr: await stderr }
    } finally {
      await db.close()
    }
  }

  async function steps(db: Database): Promise<number> {
    const [found] = await db.query<{ steps: string }>(
      'select count(*) as steps from api_key_analytics_prunes',
    )
    return Number(found?.steps)
  }
})
