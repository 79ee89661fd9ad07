import { beforeAll, expect, test } from 'vitest'
import { answerApi } from '../../src/dashboard/api.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { OTHER_KEY, REJECTED_KEY } from '../../src/model/key.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const acme = testKey(1, 'acme')
const ROWS = [
  { key: acme, bucket: '2026-09-01T10:00Z', requests: 100 },
  { key: OTHER_KEY, bucket: '2026-09-01T10:00Z', status: 404, requests: 6 },
  { key: acme, bucket: '2026-10-01T10:00Z', endpoint: '/files/*path', requests: 5 },
  { key: acme, bucket: '2026-10-01T10:00Z', endpoint: '/files/list/path', requests: 20 },
  { key: OTHER_KEY, bucket: '2026-10-01T10:00Z', status: 404, requests: 2 },
  { key: REJECTED_KEY, bucket: '2026-10-01T10:00Z', status: 401, requests: 3 },
]

forEachDatabase('names that mean more than one', (_kind, makeUrl) => {
  let env: Record<string, string>
  const run = (...args: string[]) => runCli([...args, '--month', '2026-10'], { env })
  beforeAll(async () => {
    env = { DATABASE_URL: await makeUrl(), APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
    await storeUsage(env['DATABASE_URL']!, ROWS)
  })

  const ask = async (name: string, query: Record<string, string> = {}) => {
    const db = await openDatabase(env['DATABASE_URL']!)
    try {
      const { body } = await answerApi(
        async () => db,
        { name, query: { month: '2026-10', ...query } },
        EMPTY_DATA_DIR,
      )
      return JSON.parse(body)
    } finally {
      await db.close()
    }
  }

  test('tells keys of the same name apart by the start of their ids, which --key takes', async () => {
    const url = await makeUrl()
    const [label, bucket] = ['sk_l…cdef', '2026-10-01T10:00Z']
    const ids = ['0b7f9d1c-8c5e-4f0e-9a51-6f1f3f3f9a10', '0b7f9d1c-8d5e-4f0e-9a51-6f1f3f3f9a10']
    const namesakes = ids.map((id) => ({ id, label, name: null, owner: null }))
    for (const [index, key] of [...namesakes, acme].entries()) {
      await storeUsage(url, [{ key, bucket, requests: 9 - index }])
    }
    const report = async (...args: string[]) => {
      const env = { DATABASE_URL: url, APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
      return (await runCli(['report', '--month', '2026-10', ...args], { env })).stdout
    }
    for (const args of [[], ['--by', 'key'], ['--by', 'key,month']]) {
      const stdout = await report(...args)
      expect(stdout).toMatch(/^sk_l…cdef 0b7f9d1c-8c +9 /m)
      expect(stdout).toMatch(/^sk_l…cdef 0b7f9d1c-8d +8 /m)
      expect(stdout).toMatch(/^acme +7 /m)
    }
    const [, header] = /^(Endpoint .*)$/m.exec(await report('--by', 'endpoint,key'))!
    expect(header).toMatch(/sk_l…cdef 0b7f9d1c-8c +sk_l…cdef 0b7f9d1c-8d +acme/)
    expect(await report('--key', '0b7f9d1c-8d')).toMatch(/^GET .* 8 +100\.0%/m)
  })

  test('counts (other) and (rejected) as no keys, and shows their requests', async () => {
    const { stdout } = await run('report')
    expect(stdout).toContain('30 requests')
    expect(stdout).toContain('1 key · 3 endpoints')
    expect(stdout).toMatch(/^\(rejected\) +3 /m)
    expect(stdout).toMatch(/^Total of 1 key +30 /m)
    expect(JSON.parse((await run('report', '--by', 'key', '--json')).stdout).sections[0]).toMatchObject({
      groupCount: 3,
      keyCount: 1,
    })
    expect(await ask('activity')).toMatchObject({ activeKeys: 1, previous: { activeKeys: 1 } })
  })

  test('takes the name of a stored endpoint with a star for that endpoint, and any other for a glob', async () => {
    const requests = async (endpoint: string) => {
      const { stdout } = await run('report', '--json', '--endpoint', endpoint)
      const { total } = await ask('report', { endpoint })
      expect(JSON.parse(stdout).total.requests).toBe(total.requests)
      return total.requests
    }
    expect(await requests('/files/*path')).toBe(5)
    expect(await requests('/files/*')).toBe(25)
    expect((await run('report', '--endpoint', 'GET /files/*path')).stdout).toMatch(
      /^Who calls GET \/files\/\*path · /m,
    )
    expect((await run('export', '--columns', 'endpoint', '--endpoint', '/files/*path')).stdout).toBe(
      'endpoint\r\n/files/*path\r\n',
    )
  })

  test('gives (other) and (rejected) no name, owner, link or quota, and forgets their rows', async () => {
    const keys = async (...args: string[]) => runCli(args, { env })
    const before = (await keys('keys', 'list', '--json')).stdout
    for (const { id, label } of [OTHER_KEY, REJECTED_KEY]) {
      const named =
        /^Error: \(other\) and \(rejected\) stand for many keys and cannot have a name or an owner\.$/m
      const refusals: [string[], RegExp][] = [
        [['keys', 'name', label, '--name', 'foo', '--owner', 'Acme'], named],
        [['keys', 'name', id, '--owner', 'Acme', '--until', '2026-10-02'], named],
        [['keys', 'link', label, '--continues', 'acme'], /cannot be linked/],
        [['keys', 'link', 'acme', '--continues', label], /cannot be linked/],
        [['quotas', 'set', label, '--limit', '5'], /cannot have a quota/],
        [
          ['keys', 'forget', label, '--anonymise', '--yes'],
          /stands for many keys and has no names to remove/,
        ],
      ]
      for (const [args, message] of refusals) {
        expect({ args, ...(await keys(...args)) }).toMatchObject({
          args,
          code: 2,
          stderr: expect.stringMatching(message),
        })
      }
    }
    expect((await keys('keys', 'list', '--json')).stdout).toBe(before)
    expect(await keys('keys', 'forget', OTHER_KEY.label, '--yes')).toMatchObject({
      code: 0,
      stdout: 'Forgot (other): 2 rows with 8 requests.\n',
    })
    await storeUsage(env['DATABASE_URL']!, [{ key: OTHER_KEY, bucket: '2026-10-01T10:00Z', requests: 1 }])
    expect((await run('report')).stdout).toMatch(/^\(other\) +1 /m)
  })
})
