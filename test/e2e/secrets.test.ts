import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Router } from '@koa/router'
import Koa from 'koa'
import { expect, test } from 'vitest'
import { apiKeyAnalytics, setApiKey } from '../../src/index.ts'
import type { AnalyticsOptions } from '../../src/index.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { listen } from '../support/apps/listen.ts'
import { runBin } from '../support/cli/start-cli.ts'

/** Everything that must never be seen again, by the way it comes in. */
const SECRETS = {
  header: 'sk_live_QmFzZTY0IGlzIG5vdCBzZWNyZXQ',
  authorization: 'pw-9-short',
  guess: 'guess_VGhpcyBrZXkgZG9lcyBub3QgZXhpc3Q',
  query: 'query_TmV2ZXIgbG9vayBpbiB0aGUgcXVlcnk',
  state: 'state_U2V0IGJ5IHRoZSBhcHAgaXRzZWxm',
  given: 'given_UGFzc2VkIHRvIHNldEFwaUtleQ',
  code: 'code_UGFzc2VkIGJ5IGNvZGUgaW5zdGVhZA',
  pepper: 'pepper_bm90IGZvciB0aGUgZGF0YWJhc2U',
  password: 'wrong-passw0rd-of-the-test',
}
const TABLES = ['', '_keys', '_ledger', '_prunes', '_meta', '_migrations']

forEachDatabase('a secret is never found', (kind, makeUrl) => {
  test('in the database, counter files, errors or output of a run that used it in every way', async () => {
    const database = await makeUrl()
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-secrets-'))
    const left: string[] = []
    const options: AnalyticsOptions = {
      database,
      dataDir,
      pepper: SECRETS.pepper,
      endpoint: 'path',
      onError: (error) => left.push(inspect(error, { depth: 20, showHidden: true })),
    }
    const analytics = apiKeyAnalytics(options)
    await sendSecrets(analytics)
    analytics.addEndpointAccess(SECRETS.code, 'POST /jobs')
    for (const operation of [
      '',
      'FETCH /jobs',
      SECRETS.code,
      { method: 'GET', endpoint: '/', status: 999 },
    ]) {
      left.push(inspect(catchError(() => analytics.addEndpointAccess(SECRETS.code, operation))))
    }
    left.push(...readFiles(dataDir))
    expect(left.join()).toContain('/users/7')
    await analytics.flush()
    left.push(inspect(analytics.stats()), ...readFiles(dataDir), ...(await readTables(database)))
    left.push(...(await runCommands(database, dataDir)))
    await analytics.close()
    left.push(
      ...(await failToConnect(kind === 'postgresql' ? withWrongPassword(database) : undefined, dataDir)),
    )
    rmSync(dataDir, { recursive: true })

    const text = left.join('\n')
    expect(text).toContain('sk_l…')
    for (const [way, secret] of Object.entries(SECRETS))
      expect({ way, found: text.includes(secret) }).toEqual({ way, found: false })
    if (kind === 'postgresql') expect(text).not.toContain(new URL(database).password)
  })
})

async function sendSecrets(analytics: Koa.Middleware): Promise<void> {
  const router = new Router()
  router.get('/users/:id', (ctx) => {
    ctx.body = 'here'
  })
  const app = new Koa()
  app.silent = true
  app.use(analytics)
  app.use(async (ctx, next) => {
    if (ctx.get('x-api-key') === SECRETS.guess) ctx.throw(401)
    if (ctx.get('x-way') === 'state') ctx.state['apiKey'] = SECRETS.state
    if (ctx.get('x-way') === 'given') setApiKey(ctx, SECRETS.given)
    await next()
  })
  app.use(router.routes())
  const { url, close } = await listen(app.callback())
  const ways: [path: string, headers: Record<string, string>][] = [
    ['/users/7', { 'x-api-key': SECRETS.header }],
    ['/users/7', { authorization: `Api-Key ${SECRETS.authorization}` }],
    ['/users/7', { 'x-api-key': SECRETS.guess }],
    [`/users/7?api_key=${SECRETS.query}`, { 'x-api-key': SECRETS.header }],
    ['/users/7', { 'x-way': 'state' }],
    ['/users/7', { 'x-way': 'given' }],
  ]
  for (const [path, headers] of ways) await (await fetch(url + path, { headers })).text()
  await close()
}

async function readTables(database: string): Promise<string[]> {
  const db = await openDatabase(database)
  try {
    const rows: unknown[] = []
    for (const table of TABLES) rows.push(...(await db.query(`select * from api_key_analytics${table}`)))
    expect(rows.length).toBeGreaterThan(8)
    return rows.map((row) => JSON.stringify(row))
  } finally {
    await db.close()
  }
}

function readFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .flatMap((path) => [path, statSync(path).isFile() ? readFileSync(path, 'latin1') : ''])
}

/** What the commands print, the one included that is told a secret. */
async function runCommands(database: string, dataDir: string): Promise<string[]> {
  const env = {
    DATABASE_URL: database,
    APIKEY_ANALYTICS_DIR: dataDir,
    APIKEY_ANALYTICS_PEPPER: SECRETS.pepper,
  }
  const commands = [
    'report',
    'report --json',
    'report --key -',
    'export',
    'keys list --json',
    'verify',
    'flush',
  ]
  const output: string[] = []
  for (const command of commands) {
    const { code, stdout, stderr } = await runBin(command.split(' '), { env, input: SECRETS.header })
    expect({ command, code }).toEqual({ command, code: 0 })
    output.push(stdout, stderr)
  }
  return output
}

/** What an app and a command say of a database that does not let them in. */
async function failToConnect(given: string | undefined, dataDir: string): Promise<string[]> {
  const database = given ?? `postgres://someone:${SECRETS.password}@127.0.0.1:1/api`
  const said: string[] = []
  const analytics = apiKeyAnalytics({
    database,
    dataDir,
    onError: (error) => void said.push(inspect(error, { depth: 20, showHidden: true })),
  })
  analytics.addEndpointAccess(SECRETS.code, 'POST /jobs')
  said.push(
    inspect(await analytics.flush().catch((error: unknown) => error), { depth: 20, showHidden: true }),
  )
  await analytics.close()
  for (const args of [['report'], ['report', '--json'], ['verify', '--nonsense', '--json'], ['migrate']]) {
    const { code, stdout, stderr } = await runBin([...args, '--database', database])
    expect(code).toBeGreaterThan(0)
    said.push(stdout, stderr)
  }
  said.push(inspect(catchError(() => apiKeyAnalytics({ database: database.replace('postgres', 'mysql') }))))
  return said
}

function withWrongPassword(database: string): string {
  const url = new URL(database)
  url.password = SECRETS.password
  return url.href
}

function catchError(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}
