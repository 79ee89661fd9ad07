import { describe, expect, test } from 'vitest'
import { MIGRATIONS } from '../../src/store/database/migrations/migrations.ts'
import { administer } from '../support/databases/administer.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import { runCli } from '../support/cli/run-cli.ts'

describe.runIf(process.env['TEST_CITUS_URL'])('migrate on the Citus of TEST_CITUS_URL', () => {
  test('tells which tables are to be distributed, does so once, and takes them back', async () => {
    const database = await makeDatabase('citus', { migrated: false })
    const run = (...args: string[]) => runCli(['migrate', ...args], { env: { DATABASE_URL: database.url } })
    const tables =
      'api_key_analytics_keys, api_key_analytics, api_key_analytics_ledger, api_key_analytics_prunes'
    expect(await run('--check')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`: ${tables}.\n`),
    })
    expect((await run('--dry-run')).stdout).toContain(
      "perform create_distributed_table('api_key_analytics_keys'",
    )
    const { stdout } = await run()
    expect(stdout).toMatch(/^Applied .*\nDistributed .*\n$/)
    expect(stdout).toContain(`Distributed ${tables} over the workers of Citus in `)
    expect(await run('--check')).toMatchObject({ code: 0, stdout: expect.stringContaining('up to date') })
    expect(JSON.parse((await run('--json')).stdout)).toEqual({ applied: [], distributed: [] })
    for (const { name } of MIGRATIONS.toReversed()) {
      expect((await run('--down', '--yes')).stdout).toContain(`Took ${name} back`)
    }
    expect(JSON.parse((await run('--json')).stdout)).toEqual({
      applied: MIGRATIONS.map(({ name }) => name),
      distributed: tables.split(', '),
    })
    await database.remove()
  })

  test('refuses a worker, where it would make tables of its own', async () => {
    const database = await makeDatabase('citus', { migrated: false })
    const [worker] = await administer<{ host: string; port: number }>(
      database.url,
      'select nodename as host, nodeport as port from pg_dist_node where groupid > 0',
    )
    const url = new URL(database.url)
    url.host = `${worker!.host}:${worker!.port}`
    for (const args of [[], ['--check'], ['--dry-run']]) {
      expect(await runCli(['migrate', ...args], { env: { DATABASE_URL: url.href } })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('is a worker of Citus. Name the coordinator'),
      })
    }
    await database.remove()
  })
})
