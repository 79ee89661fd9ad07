import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readWebhooks } from '../../src/alerts/webhook.ts'
import type { Webhook } from '../../src/alerts/webhook.ts'
import type { AnalyticsError } from '../../src/model/errors.ts'

const secretOf = (byte: number, bytes = 32) => Buffer.alloc(bytes, byte).toString('base64')
const SECRET = secretOf(1)

const read = (
  given: readonly string[],
  environment: Record<string, string> = { APIKEY_ANALYTICS_WEBHOOK_SECRET: SECRET },
  allowHttp = false,
): Promise<Webhook[]> => readWebhooks({ given, allowHttp, environment })

const refusal = async (...given: Parameters<typeof read>): Promise<AnalyticsError> =>
  read(...given).then(
    (webhooks) => expect.fail(`Accepted ${JSON.stringify(webhooks)}`),
    (error: AnalyticsError) => error,
  )

test('a webhook is named by its host, or has a name of its own', async () => {
  const webhooks = await read(['https://ops.example.com/a?x=1', 'billing=https://ops.example.com:8443/b'])
  expect(webhooks).toEqual([
    { name: 'ops.example.com', url: new URL('https://ops.example.com/a?x=1'), secrets: [SECRET] },
    { name: 'billing', url: new URL('https://ops.example.com:8443/b'), secrets: [SECRET] },
  ])
})

test('webhooks come from the variable when none is given', async () => {
  const environment = {
    APIKEY_ANALYTICS_WEBHOOK: ' ops=https://a.example/x\n https://b.example/y ',
    APIKEY_ANALYTICS_WEBHOOK_SECRET: SECRET,
  }
  expect((await read([], environment)).map(({ name }) => name)).toEqual(['ops', 'b.example'])
  expect((await read(['https://c.example/z'], environment)).map(({ name }) => name)).toEqual(['c.example'])
  expect(await read([], {})).toEqual([])
})

test('each has its own secret, else the common one; from a file too; two while it is changed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-webhook-'))
  const file = join(folder, 'secret')
  writeFileSync(file, `whsec_${secretOf(3)}\n`)
  const environment = {
    APIKEY_ANALYTICS_WEBHOOK_SECRET: SECRET,
    APIKEY_ANALYTICS_WEBHOOK_SECRET_OPS_EU: `${secretOf(2)} ${secretOf(4, 24)}`,
    APIKEY_ANALYTICS_WEBHOOK_SECRET_PAGER_FILE: file,
  }
  const given = ['ops-eu=https://a.example', 'pager=https://b.example', 'https://c.example']
  expect((await read(given, environment)).map(({ secrets }) => secrets)).toEqual([
    [secretOf(2), secretOf(4, 24)],
    [`whsec_${secretOf(3)}`],
    [SECRET],
  ])
  rmSync(folder, { recursive: true })
})

test('http is for this machine, unless it is allowed', async () => {
  for (const url of [
    'http://localhost:9/x',
    'http://127.0.0.1/x',
    'http://127.8.9.1/x',
    'http://[::1]:3/x',
  ]) {
    expect(await read([url])).toHaveLength(1)
  }
  for (const url of ['http://10.0.0.5/x', 'http://localhost.example/x', 'http://127.0.0.1.example/x']) {
    expect((await refusal([url])).message).toContain('--allow-http')
    expect(await read([url], undefined, true)).toHaveLength(1)
  }
})

test.each([
  [['nonsense-token'], 'Webhook 1 is no URL'],
  [['https://a.example', 'ops=ftp://token.example/token'], 'The webhook "ops" is no URL'],
  [['https://token:token@a.example/x'], 'has a user or a password'],
  [['https://a.example/token', 'https://a.example/token2'], 'Two webhooks are called "a.example"'],
  [['x=https://a.example/token', 'x=https://b.example/token'], 'Two webhooks are called "x"'],
])('refuses %j without showing it', async (given, message) => {
  const error = await refusal(given)
  expect(error.code).toBe('WRONG_USAGE')
  expect(error.message).toContain(message)
  expect(error.message).not.toContain('token')
})

test.each([
  ['', 'has no secret. Set APIKEY_ANALYTICS_WEBHOOK_SECRET (or APIKEY_ANALYTICS_WEBHOOK_SECRET_A_EXAMPLE,'],
  ['hunter2-hunter2-hunter2', 'is no secret of Standard Webhooks'],
  [secretOf(1, 23), 'is no secret of Standard Webhooks'],
  [secretOf(1, 65), 'is no secret of Standard Webhooks'],
  [`${secretOf(1)} hunter2`, 'is no secret of Standard Webhooks'],
])('refuses the secret %j without showing it', async (secret, message) => {
  const error = await refusal(['https://a.example'], { APIKEY_ANALYTICS_WEBHOOK_SECRET: secret })
  expect(error.code).toBe('WRONG_USAGE')
  expect(error.message).toContain(message)
  if (secret) expect(error.message).not.toContain(secret)
})

test('a file that cannot be read is named', async () => {
  const error = await refusal(['https://a.example'], {
    APIKEY_ANALYTICS_WEBHOOK_SECRET_FILE: '/nowhere/secret',
  })
  expect(error.message).toBe(
    'Cannot read /nowhere/secret (ENOENT). Check APIKEY_ANALYTICS_WEBHOOK_SECRET_FILE.',
  )
})
