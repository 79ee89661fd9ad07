import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { setAsideDir } from '../../src/buffer/folder/data-dir.ts'
import { apiKeyAnalytics } from '../../src/index.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { runProcess } from '../support/processes/run-process.ts'

forEachDatabase('flush --set-aside', (kind, makeUrl) => {
  let folder: string
  let dataDir: string
  let database: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    dataDir = join(folder, 'data')
    database = await makeUrl()
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const place = (more: readonly string[] = [], from = dataDir) =>
    ['--database', database, '--data-dir', from, '--json', ...more] as const
  const flush = async (more: readonly string[] = ['--set-aside'], from = dataDir) => {
    const { code, stdout, stderr } = await runCli(['flush', ...place(more, from)])
    return { code, stderr, ...(JSON.parse(stdout) as { requests?: number; batches?: number }) }
  }
  const verify = async (from = dataDir) => {
    const { code, stdout } = await runCli(['verify', ...place([], from)])
    const account = JSON.parse(stdout)
    const { storedRequests, missingRequests, balanced, accountedFor } = account
    return { code, storedRequests, missingRequests, balanced, accountedFor, files: account.setAside.length }
  }
  const files = (from = dataDir) =>
    readdirSync(setAsideDir(from)).map((name) => join(setAsideDir(from), name))

  async function query(sql: string): Promise<void> {
    const db = await openDatabase(database)
    await db.query(sql)
    await db.close()
  }

  /** Makes the database refuse every batch with this endpoint for its content. */
  const refuse = () =>
    query(
      kind === 'postgresql'
        ? "alter table api_key_analytics add constraint refused check (endpoint <> '/refused')"
        : "create trigger refused before insert on api_key_analytics when new.endpoint = '/refused' begin select raise(abort, 'refused'); end",
    )
  const mend = () =>
    query(
      kind === 'postgresql'
        ? 'alter table api_key_analytics drop constraint refused'
        : 'drop trigger refused',
    )

  /** An app that flushes after each group of endpoints; those with `/refused` are set aside. */
  async function count(...groups: readonly (readonly string[])[]): Promise<void> {
    const codes: string[] = []
    const analytics = apiKeyAnalytics({ database, dataDir, onError: ({ code }) => codes.push(code) })
    for (const group of groups) {
      for (const endpoint of group) analytics.addEndpointAccess({ id: 'customer-1' }, `GET ${endpoint}`)
      await analytics.flush()
    }
    await analytics.close()
    expect(new Set(codes)).toEqual(new Set(['BATCH_REFUSED']))
  }

  test('delivers what was refused once that is mended, and verify is right before and after', async () => {
    await refuse()
    await count(['/a'], ['/refused', '/refused', '/b'], ['/c'], ['/refused'])
    // the last batch has no later one that would show that it is missing
    expect(await verify()).toEqual({
      code: 1,
      storedRequests: 2,
      missingRequests: 3,
      balanced: true,
      accountedFor: false,
      files: 2,
    })
    expect(await flush([])).toMatchObject({ code: 0, requests: 0 })
    const early = await flush()
    expect(early).toMatchObject({
      code: 1,
      requests: 0,
      stderr: expect.stringMatching(/\.json stays: .*cannot be stored/),
    })
    expect(files()).toHaveLength(2)
    await mend()
    expect(await flush()).toMatchObject({ code: 0, stderr: '', requests: 4, batches: 2 })
    const right = {
      code: 0,
      storedRequests: 6,
      missingRequests: 0,
      balanced: true,
      accountedFor: true,
      files: 0,
    }
    expect(await verify()).toEqual(right)
    expect(await flush()).toMatchObject({ code: 0, requests: 0, batches: 0 })
    expect(await verify()).toEqual(right)
    const { stdout } = await runCli(['report', '--by', 'endpoint', ...place()])
    expect(stdout).toMatch(/"\/refused"[^}]*"requests":\s*3/)
  })

  test('counts each batch once, also from a copy of the folder, and by two commands at once', async () => {
    await refuse()
    await count(['/refused', '/refused'], ['/a'], ['/refused'])
    const copy = join(folder, 'copy')
    cpSync(dataDir, copy, { recursive: true })
    await mend()
    const runs = await Promise.all([flush(), flush(), flush(['--set-aside'], copy)])
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      runs.map(() => ({ code: 0, stderr: '' })),
    )
    expect(await verify()).toMatchObject({ code: 0, storedRequests: 4, missingRequests: 0 })
    expect(await verify(copy)).toMatchObject({ code: 0, files: 0 })
  })

  test('a command that is killed after the commit has counted it, and the next one only removes the file', async () => {
    await refuse()
    await count(['/refused', '/refused'], ['/a'])
    await mend()
    const moment = { point: 'set-aside batch committed', occurrence: 1 }
    const { code } = await runProcess(
      'deliver-set-aside-and-die',
      JSON.stringify({ database, dataDir, moment }),
    )
    expect(code).toBeNull()
    expect(await verify()).toMatchObject({ code: 1, storedRequests: 3, missingRequests: 0, files: 1 })
    expect(await flush()).toMatchObject({ code: 0, requests: 2 })
    expect(await verify()).toMatchObject({ code: 0, storedRequests: 3, missingRequests: 0, files: 0 })
  })

  test('a batch may be mended by hand: with a text that the database takes, and not with other numbers', async () => {
    await refuse()
    await count(['/refused', '/refused'], ['/a'])
    const [file] = files()
    const content = readFileSync(file!, 'utf8')
    const wrong = [
      content.replace('"requestCount":2', '"requestCount":3'),
      content.replace(/"keys":\[.*?\]/, '"keys":[]'),
      content.replace(/"bucket":"[^"]*"/, '"bucket":"someday"'),
      content.replace(/"instance":"[^"]*"/, '"instance":"mine"'),
      content.replace(/"durationBins":\[[^\]]*\]/, '"durationBins":[]'),
      content.replace(/"durationBins":\[(\d+),2\]/, '"durationBins":[$1,1,$1,1]'),
      content.replace(/,"durationBins":\[[^\]]*\]/, ''),
      content.replace(/"durationUs":\d+/, '"durationUs":-1'),
      content.replace('"status":200', '"status":"200"'),
      content.replace('"method":"GET",', ''),
      content.replace(/"rows":\[(\{.*?\})\]/, (_, row: string) => {
        const half = row.replace('"requestCount":2', '"requestCount":1').replace(/,2\]/, ',1]')
        return `"rows":[${half},${half}]`
      }),
      content.slice(1),
      'null',
    ]
    const names = wrong.map((text, index) => {
      expect(text).not.toBe(content)
      const name = `${file}.${index}.json`
      writeFileSync(name, text)
      return name
    })
    rmSync(file!)
    const refused = await flush()
    expect(refused).toMatchObject({ code: 1, requests: 0 })
    const reasons = refused.stderr.matchAll(/^\S* ?(\S+) stays: (?:it|its|a row) /gm)
    expect(new Set(Array.from(reasons, ([, name]) => name))).toEqual(new Set(names))
    for (const name of names) rmSync(name)
    writeFileSync(file!, content.replaceAll('/refused', '/men\\u0000ded'))
    expect(await flush()).toMatchObject({ code: 0, requests: 2 })
    expect(await verify()).toMatchObject({ code: 0, storedRequests: 3, missingRequests: 0, files: 0 })
  })

  test('sends no batch to another database than the one that refused it, unless it is told to', async () => {
    await refuse()
    await count(['/refused'], ['/a'])
    database = await makeUrl()
    expect(await flush()).toMatchObject({ code: 1, requests: 0, stderr: expect.stringContaining('--adopt') })
    expect(files()).toHaveLength(1)
    expect(await flush(['--set-aside', '--adopt'])).toMatchObject({ code: 0, requests: 1 })
    expect(files()).toEqual([])
  })

  test('a batch that cannot be adopted either stays, and the next one is tried', async () => {
    await refuse()
    await count(['/refused', '/refused'], ['/a'], ['/refused'], ['/b'])
    const [first, second] = files().toSorted()
    const content = readFileSync(first!, 'utf8')
    writeFileSync(first!, content.replace('"countedBefore":0', '"countedBefore":1'))
    const { code, stderr } = await flush(['--set-aside', '--adopt'])
    expect(code).toBe(1)
    for (const file of [first, second]) expect(stderr).toContain(`${file} stays: `)
    await mend()
    expect(await flush(['--set-aside', '--adopt'])).toMatchObject({ code: 0, requests: 3, batches: 2 })
    expect(files()).toEqual([])
  })

  test('names what it cannot deliver, and removes what a killed process left half written', async () => {
    await refuse()
    await count(['/refused'], ['/a'])
    await mend()
    const [damaged, left] = ['1-folder-1.counts', `${crypto.randomUUID()}-1.json.part`].map((name) =>
      join(setAsideDir(dataDir), name),
    )
    writeFileSync(damaged!, 'damaged')
    writeFileSync(left!, '{')
    utimesSync(left!, new Date(0), new Date(0))
    expect(await flush()).toMatchObject({
      code: 1,
      requests: 1,
      stderr: expect.stringContaining(`${damaged} stays: it is a counter file`),
    })
    expect(files()).toEqual([damaged])
  })
})
