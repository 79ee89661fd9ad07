import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { apiKeyAnalytics } from '../../src/index.ts'
import type { AnalyticsError } from '../../src/model/errors.ts'
import { migrate } from '../../src/store/database/migrate.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import pg from 'pg'
import { administer } from '../support/databases/administer.ts'
import { createDatabase, dropDatabase, makeDatabase } from '../support/databases/databases.ts'
import { makeBatch } from '../support/usage/make-batch.ts'
import { makeRole, ROLE_PASSWORD } from '../support/databases/make-role.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { CLUSTER_PASSWORD, startCluster, TLS_FOLDER } from '../support/databases/start-cluster.ts'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).toReversed()) await one()
})

/** A database, and a role who may do all in it that is granted to everybody. */
async function makeUsage({ migrated = true, settings = [] as string[] } = {}) {
  const database = await makeDatabase('postgresql', { migrated })
  undo.push(() => database.remove())
  const role = await makeRole(database.url, ...settings)
  undo.push(() => role.remove())
  return { url: database.url, role }
}

async function grantAll(url: string, role: { readonly name: string }): Promise<void> {
  await administer(url, `grant all on schema public to ${role.name}`)
  await administer(url, `grant all on all tables in schema public to ${role.name}`)
  await administer(url, `grant all on all sequences in schema public to ${role.name}`)
}

async function makeDataDir(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  undo.push(async () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What a command writes about a failure; it has no word of the driver's error classes and no password. */
async function failure(args: readonly string[], env: Record<string, string>): Promise<string> {
  const { code, stderr, stdout } = await runCli(args, { env })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^(Waiting .*\n)?Error: [^\n]+\n$/)
  expect(stderr).not.toMatch(new RegExp(`${CLUSTER_PASSWORD}|${ROLE_PASSWORD}|INTERNAL`))
  return stderr.trim()
}

describe('encodings', () => {
  test.each([
    ['LATIN1', false],
    ['WIN1252', false],
    ['EUC_JP', false],
    ['SQL_ASCII', true],
  ])('%s: taken %s', async (encoding, taken) => {
    const { url } = await makeUsage({ migrated: false })
    await recreate(url, encoding)
    const errors: AnalyticsError[] = []
    const dataDir = await makeDataDir()
    const analytics = apiKeyAnalytics({ database: url, dataDir, onError: (error) => errors.push(error) })
    analytics.addEndpointAccess({ id: 'kunde-ü-…-😀' }, 'GET /preise/…')
    const env = { DATABASE_URL: url }
    if (taken) {
      expect(await runCli(['migrate'], { env })).toMatchObject({ code: 0 })
      await analytics.flush()
    } else {
      expect(await failure(['migrate'], env)).toContain(
        `has the encoding ${encoding}, which cannot hold every text`,
      )
      await expect(analytics.flush()).rejects.toMatchObject({
        code: 'DATABASE_REFUSED',
        message: expect.stringContaining(encoding),
      })
      expect(analytics.stats()).toMatchObject({ counted: 1, flushed: 0, pending: 1 })
      await recreate(url, 'UTF8')
      await migrate(url)
      await expect
        .poll(() =>
          analytics.flush().then(
            () => true,
            () => false,
          ),
        )
        .toBe(true)
    }
    await analytics.close()
    const verified = await runCli(['verify', '--json', '--data-dir', dataDir], { env })
    expect(JSON.parse(verified.stdout)).toMatchObject({ accountedFor: true, storedRequests: 1 })
    const { stdout } = await runCli(['report', '--by', 'key,endpoint', '--format', 'json'], { env })
    expect(stdout).toMatch(/kunde-ü-…-😀[^]*\/preise\/…/)
  })

  async function recreate(url: string, encoding: string): Promise<void> {
    const server = new URL(url)
    const name = server.pathname.slice(1)
    server.pathname = '/postgres'
    await dropDatabase(url)
    if (encoding === 'UTF8') return createDatabase(url)
    await administer(
      server.href,
      `create database ${name} encoding '${encoding}' locale 'C' template template0`,
    )
  }
})

describe('without a password', () => {
  test('a command ends at once, and says what is missing', async () => {
    const { role } = await makeUsage()
    const url = new URL(role.url)
    url.password = ''
    expect(await failure(['report'], { DATABASE_URL: url.href })).toMatch(
      /^Error: A password is needed for PostgreSQL apikey_analytics_test_.*PGPASSWORD\.$/,
    )
    const given = await runCli(['migrate', '--check'], {
      env: { DATABASE_URL: url.href, PGPASSWORD: ROLE_PASSWORD },
    })
    expect(given.stderr).not.toContain('password')
  })

  test('an app leaves no socket open, however often it tries', async () => {
    const { url } = await makeUsage()
    const target = new URL(url)
    let open = 0
    const server = createServer((client) => {
      open += 1
      const upstream = connect(Number(new URL(url).port), target.hostname)
      client.pipe(upstream).pipe(client)
      client.on('error', () => upstream.destroy()).on('close', () => (open -= 1))
      upstream.on('error', () => client.destroy())
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    undo.push(async () => server.close())
    target.port = String((server.address() as { port: number }).port)
    target.password = ''
    const store = new DatabaseStore({ url: target.href, pepperCheck: '' })
    for (let attempt = 0; attempt < 5; attempt++) {
      await expect(store.connect()).rejects.toMatchObject({ code: 'DATABASE_REFUSED' })
    }
    await expect.poll(() => open).toBe(0)
    await store.close()
  })
})

describe('limits', () => {
  test('every step of migrate, and what looks at its result, needs one connection', async () => {
    const { url, role } = await makeUsage({ migrated: false, settings: ['connection limit 1'] })
    await administer(url, `grant create on schema public to ${role.name}`)
    const env = { DATABASE_URL: role.url }
    const open = `select 1 from pg_stat_activity where usename = '${role.name}'`
    const run = async (...args: string[]) => {
      // the server may still be ending the connection of the command before
      await vi.waitFor(async () => expect(await administer(url, open)).toEqual([]), PATIENCE_MS)
      return runCli(args, { env })
    }
    expect(await run('migrate', '--check')).toMatchObject({ code: 1, stderr: '' })
    expect(await run('migrate', '--dry-run')).toMatchObject({ code: 0, stderr: '' })
    expect(await run('migrate')).toMatchObject({ code: 0, stderr: '' })
    expect(await run('migrate', '--down', '--yes')).toMatchObject({ code: 0, stderr: '' })
    expect(await run('migrate')).toMatchObject({ code: 0, stderr: '' })
    const store = new DatabaseStore({ url: role.url, pepperCheck: '' })
    // the server may still be ending the connection of the command
    await vi.waitFor(() => store.connect(), PATIENCE_MS)
    expect(await store.recordBatch(makeBatch({ rows: [{ key: 'a' }] }))).toBe('applied')
    expect(await store.findKnownKeys(10)).toHaveLength(1)
    expect(await failure(['verify'], env)).toContain('No connection is free at PostgreSQL')
    await store.close()
    for (const command of [['verify'], ['report'], ['security'], ['keys', 'list']]) {
      expect({ command, ...(await run(...command)) }).toMatchObject({ command, code: 0, stderr: '' })
    }
  })

  test('many migrates of a role with too few connections: each is done or says so in seconds', async () => {
    const { url, role } = await makeUsage({ migrated: false, settings: ['connection limit 2'] })
    await administer(url, `grant create on schema public to ${role.name}`)
    const env = { DATABASE_URL: role.url }
    const runs = await Promise.all(Array.from({ length: 6 }, () => runCli(['migrate'], { env })))
    for (const { code, stderr } of runs) {
      if (code !== 0)
        expect(stderr).toMatch(/^Error: No connection is free at .*too many connections for role/)
    }
    expect(runs.map(({ code }) => code)).toContain(0)
    expect(await runCli(['migrate', '--check'], { env })).toMatchObject({ code: 0 })
  })

  test('who asks for a long answer gets it, whatever statement_timeout says', async () => {
    const { url, role } = await makeUsage({ settings: ["set statement_timeout = '50ms'"] })
    const store = new DatabaseStore({ url, pepperCheck: '' })
    await store.recordBatch(makeBatch({ rows: [{ key: 'a' }] }))
    await store.close()
    await grantAll(url, role)
    const env = { DATABASE_URL: role.url }
    const commands = [
      ['report', '--since', '2026-11-01'],
      ['security'],
      ['verify'],
      ['export'],
      ['keys', 'list'],
      ['prune', '--before', '2026-11-20', '--roll-up', 'day', '--yes'],
      ['prune', '--before', '2026-11-20', '--yes'],
    ]
    for (const command of commands) {
      const locked = await lockFor(url, 'api_key_analytics')
      const run = runCli(command, { env })
      await locked.untilWaiting(200)
      await locked.release()
      expect({ command, ...(await run) }).toMatchObject({ command, code: 0 })
    }
  })

  test('an app delivers however short the time-outs of its role are', async () => {
    const { url, role } = await makeUsage({
      settings: ["set statement_timeout = '50ms'", "set lock_timeout = '50ms'"],
    })
    await grantAll(url, role)
    const store = new DatabaseStore({ url: role.url, pepperCheck: '' })
    await store.connect()
    const locked = await lockFor(url, 'api_key_analytics_meta', 'share update exclusive')
    const applied = store.recordBatch(makeBatch({ rows: [{ key: 'a' }] }))
    await locked.untilWaiting(200)
    await locked.release()
    expect(await applied).toBe('applied')
    await store.close()
  })

  test('where a time-out is not lifted, it is named', async () => {
    const { url, role } = await makeUsage({ settings: ["set statement_timeout = '50ms'"] })
    await grantAll(url, role)
    const store = new DatabaseStore({ url: role.url, pepperCheck: '' })
    await store.connect()
    const locked = await lockFor(url, 'api_key_analytics_keys')
    await expect(store.findKnownKeys(1)).rejects.toMatchObject({
      code: 'DATABASE_FAILED',
      message: expect.stringContaining('raise statement_timeout for this role'),
    })
    await locked.release()
    await store.close()
  })

  test('a lock that is not released in time is named', async () => {
    const { url, role } = await makeUsage({ settings: ["set lock_timeout = '50ms'"] })
    await grantAll(url, role)
    const locked = await lockFor(url, 'api_key_analytics')
    expect(await failure(['verify'], { DATABASE_URL: role.url })).toContain(
      'A lock was not released in time (lock_timeout) in PostgreSQL',
    )
    await locked.release()
  })

  test('a read-only role may read; what cannot be written is said', async () => {
    const { url, role } = await makeUsage({ settings: ['set default_transaction_read_only = on'] })
    const store = new DatabaseStore({ url, pepperCheck: '' })
    await store.recordBatch(makeBatch({ rows: [{ key: 'a' }] }))
    await store.close()
    await grantAll(url, role)
    const env = { DATABASE_URL: role.url }
    const readOnly = /^Error: Nothing can be written to PostgreSQL .*standby.*read-only/
    for (const command of ['report', 'verify', 'export', 'security']) {
      expect({ command, ...(await runCli([command], { env })) }).toMatchObject({ command, code: 0 })
    }
    const changes = [
      ['keys', 'name', 'a', '--owner', 'Acme'],
      ['keys', 'forget', 'a', '--yes'],
      ['prune', '--before', '2026-11-20', '--yes'],
    ]
    for (const command of changes) {
      const { code, stderr } = await runCli(command, { env })
      expect({ command, code, error: stderr.split('\n').at(-2) }).toEqual({
        command,
        code: 1,
        error: expect.stringMatching(readOnly),
      })
    }
    const app = new DatabaseStore({ url: role.url, pepperCheck: '' })
    await expect(app.recordBatch(makeBatch({ rows: [{ key: 'a' }] }))).rejects.toMatchObject({
      code: 'DATABASE_REFUSED',
      message: expect.stringContaining('read-only'),
    })
    // as after a failover, when the role or the server may write again
    await administer(url, `alter role ${role.name} reset default_transaction_read_only`)
    expect(await app.recordBatch(makeBatch({ rows: [{ key: 'a' }] }))).toBe('applied')
    await app.close()
  })

  async function lockFor(url: string, table: string, mode = 'access exclusive') {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query('begin')
    await client.query(`lock table ${table} in ${mode} mode`)
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
      and now() - query_start > interval '$1'`
    return {
      untilWaiting: async (milliseconds: number) => {
        await expect.poll(() => administer(url, waiting.replace('$1', `${milliseconds} ms`))).not.toEqual([])
      },
      release: async () => {
        await client.query('rollback')
        await client.end()
      },
    }
  }
})

describe('rights', () => {
  test('a role that may not create tables is told so', async () => {
    const { url, role } = await makeUsage({ migrated: false })
    await administer(url, 'revoke create on schema public from public')
    expect(await failure(['migrate'], { DATABASE_URL: role.url })).toMatch(
      /^Error: This role may not do that in PostgreSQL .*permission denied for schema public.*docs\/postgresql\.md/,
    )
  })

  test('a schema that may not be used is not taken for one without tables', async () => {
    const { url, role } = await makeUsage()
    await administer(url, 'revoke usage on schema public from public')
    expect(await failure(['report'], { DATABASE_URL: role.url })).toContain('Grant usage on the schema')
  })

  test('a reader without grants is told so', async () => {
    const { role } = await makeUsage()
    expect(await failure(['report'], { DATABASE_URL: role.url })).toContain('permission denied for table')
  })

  test.each(['api_key_analytics', 'api_key_analytics_ledger', 'api_key_analytics_migrations'])(
    'row level security on %s is an error that names it, for the commands and for an app',
    async (table) => {
      const { url, role } = await makeUsage()
      await grantAll(url, role)
      await administer(url, `alter table ${table} enable row level security`)
      const named = `Row level security (row_security) can hide rows from this role in PostgreSQL`
      for (const command of ['verify', 'report', 'export']) {
        expect(await failure([command], { DATABASE_URL: role.url })).toContain(named)
      }
      const store = new DatabaseStore({ url: role.url, pepperCheck: '' })
      await expect(store.connect()).rejects.toMatchObject({
        code: 'DATABASE_REFUSED',
        message: expect.stringContaining(table),
      })
      // the owner sees all rows
      expect(await runCli(['verify'], { env: { DATABASE_URL: url } })).toMatchObject({ code: 0 })
      await administer(url, `alter role ${role.name} bypassrls`)
      expect(await runCli(['verify'], { env: { DATABASE_URL: role.url } })).toMatchObject({ code: 0 })
      await store.connect()
      await store.close()
    },
  )
})

describe('how a URL leads to a server', () => {
  test('a socket, named in each way that the driver knows, is used and shown', async () => {
    const { url } = await makeUsage()
    const server = new URL(url)
    const folder = await makeDataDir()
    const socket = createServer((client) => {
      const upstream = connect(Number(server.port), server.hostname)
      client.pipe(upstream).pipe(client)
      client.on('error', () => upstream.destroy())
      upstream.on('error', () => client.destroy())
    })
    await new Promise<void>((resolve) => void socket.listen(join(folder, '.s.PGSQL.5432'), resolve))
    undo.push(async () => socket.close())
    const name = server.pathname.slice(1)
    const [user, password] = [server.username, server.password]
    const encoded = encodeURIComponent(folder)
    const forms: [form: string, env: Record<string, string>][] = [
      [`postgres://${user}:${password}@/${name}?host=${folder}`, {}],
      [`postgres://${user}:${password}@localhost:1/${name}?host=${folder}&port=5432`, {}],
      [`postgres://${user}:${password}@${encoded}/${name}`, {}],
      [`postgres://${encoded}/${name}`, { PGUSER: user, PGPASSWORD: password }],
      [`socket://${user}:${password}@${folder}?db=${name}`, {}],
      [`postgres:///${name}`, { PGHOST: folder, PGUSER: user, PGPASSWORD: password }],
      [`postgres://`, { PGHOST: folder, PGDATABASE: name, PGUSER: user, PGPASSWORD: password }],
    ]
    for (const [form, env] of forms) {
      const { code, stdout, stderr } = await runCli(['migrate', '--check'], {
        env: { ...env, DATABASE_URL: form },
      })
      expect({ form, code, stdout, stderr }).toEqual({
        form,
        code: 0,
        stdout: `PostgreSQL ${name} at ${folder} is up to date.\n`,
        stderr: '',
      })
    }
  })

  test('PGPORT and a host that wins over another one are shown as what they are', async () => {
    const { url } = await makeUsage()
    const server = new URL(url)
    const { port, username, password, pathname } = server
    const shown = `PostgreSQL ${pathname.slice(1)} at 127.0.0.1:${port} is up to date.\n`
    const forms: [form: string, env: Record<string, string>][] = [
      [`postgres://${username}:${password}@127.0.0.1${pathname}`, { PGPORT: port }],
      [`postgres://${username}:${password}@nowhere.invalid:1${pathname}?host=127.0.0.1&port=${port}`, {}],
    ]
    for (const [form, env] of forms) {
      const { stdout } = await runCli(['migrate', '--check'], { env: { ...env, DATABASE_URL: form } })
      expect({ form, stdout }).toEqual({ form, stdout: shown })
    }
  })

  test.each([
    [
      'postgres://me:secret@nowhere.invalid/usage',
      /^Error: Cannot reach PostgreSQL usage at nowhere.invalid:5432/,
    ],
    [
      'postgres://me:secret@127.0.0.1:1/usage',
      /^Error: Cannot reach PostgreSQL usage at 127.0.0.1:1 .*ECONNREFUSED/,
    ],
    [
      'postgres://me:secret@/usage?host=/nowhere',
      /^Error: Cannot reach PostgreSQL usage at \/nowhere .*ENOENT/,
    ],
    [
      'postgres://me:secret@127.0.0.1/usage?sslmode=require&sslrootcert=/nowhere.crt',
      /^Error: Cannot read a file .*\/nowhere.crt.*sslrootcert/,
    ],
  ])('%s fails with the place', async (url, message) => {
    for (const command of [['migrate'], ['migrate', '--check'], ['report'], ['flush']]) {
      const said = await failure(command, { DATABASE_URL: url })
      expect(said).toMatch(message)
      expect(said).not.toContain('secret')
    }
  })
})

describe('TLS', () => {
  test('a certificate is checked, and what was refused is said in one line with the remedy', async () => {
    const cluster = await startCluster({ tls: true })
    undo.push(() => cluster.remove())
    const at = (host: string, parameters: string) => `${cluster.url.replace('127.0.0.1', host)}?${parameters}`
    const ca = `sslrootcert=${join(TLS_FOLDER, 'authority.crt')}`
    const check = (url: string) => failure(['migrate'], { DATABASE_URL: url })
    for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full']) {
      expect(await check(at('localhost', `sslmode=${mode}`))).toMatch(
        /^Error: Cannot trust the TLS certificate of PostgreSQL postgres at localhost:\d+ .*sslrootcert=<file>.*sslmode=no-verify/,
      )
    }
    expect(await check(at('127.1', `sslmode=require&${ca}`))).toMatch(
      /^Error: The TLS certificate names another host than PostgreSQL postgres at 127\.1/,
    )
    expect(await check(at('127.0.0.1', 'sslmode=disable'))).toMatch(
      /^Error: No access without TLS to .*sslmode=verify-full/,
    )
    expect(
      await check(at('127.0.0.1', `sslmode=require&sslrootcert=${join(TLS_FOLDER, 'README.md')}`)),
    ).toMatch(/^Error: (Cannot trust the TLS certificate of|No TLS connection can be made to)/)
    for (const parameters of [`sslmode=require&${ca}`, `sslmode=verify-full&${ca}`, 'sslmode=no-verify']) {
      const { code, stderr } = await runCli(['migrate'], {
        env: { DATABASE_URL: at('localhost', parameters) },
      })
      expect({ parameters, code, stderr }).toEqual({ parameters, code: 0, stderr: '' })
    }
    await administer(cluster.url + '?sslmode=no-verify', 'create role client login superuser')
    const client = at('localhost', `sslmode=verify-full&${ca}`).replace(/\/\/[^@]*@/, '//client@')
    expect(await check(client)).toMatch(
      /^Error: A client certificate is needed for PostgreSQL .*sslcert=<file> and sslkey=<file>/,
    )
    const certified = `${client}&sslcert=${join(TLS_FOLDER, 'client.crt')}&sslkey=${join(TLS_FOLDER, 'client.key')}`
    const { code, stderr } = await runCli(['migrate', '--check'], { env: { DATABASE_URL: certified } })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('a server without TLS is told apart from one that cannot be reached', async () => {
    const { url } = await makeUsage()
    expect(await failure(['migrate'], { DATABASE_URL: `${url}?sslmode=require` })).toMatch(
      /^Error: No TLS is offered by PostgreSQL/,
    )
  })
})
