import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { setQuota } from '../../src/store/quotas/set-quota.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { replaceExport } from '../support/replace-export.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { WebhookReceiver } from '../support/apps/webhook-receiver.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const hour = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString()
const month = hour.slice(0, 7)
const evil = testKey(1, 'key_evil', { name: 'Evil\u001B[2J|name', owner: 'Acme' })

/** A pause of the command ends at once, with a clock that is later by then, until the test has finished. */
function skipPauses(): void {
  vi.useFakeTimers({ toFake: ['Date'] })
  const putBack = replaceExport('node:timers/promises', 'setTimeout', async (ms: number) => {
    vi.setSystemTime(Date.now() + ms)
  })
  onTestFinished(() => {
    putBack()
    vi.useRealTimers()
  })
}

forEachDatabase('alerts', (_kind, makeUrl) => {
  let url: string
  let env: Record<string, string>
  let receiver: WebhookReceiver

  beforeAll(async () => {
    receiver = await WebhookReceiver.start()
    url = await makeUrl()
    await storeUsage(url, [
      { key: evil, bucket: hour, requests: 70, quantities: { tokens: 1_000_000 } },
      { key: evil, bucket: hour, status: 403, requests: 880 },
    ])
    const db = await openDatabase(url)
    await setQuota(db, { owner: 'Acme', unit: 'requests', per: 'month', limit: 1000 })
    await setQuota(db, { keyId: evil.id, unit: 'tokens', per: 'month', limit: 1_000_000 })
    await db.close()
    env = {
      DATABASE_URL: url,
      APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR,
      APIKEY_ANALYTICS_WEBHOOK_SECRET: receiver.secret,
    }
  })
  afterAll(() => receiver.leave())

  const alerts = async (...args: string[]) => {
    const result = await runCli(['alerts', ...args], { env })
    const shown = result.stdout + result.stderr
    expect(shown).not.toContain('token-in-path')
    expect(shown).not.toContain(receiver.secret.slice(6))
    expect(shown).not.toContain('\u001B[2J')
    return result
  }
  const json = async (...args: string[]) => {
    const { stdout, code } = await alerts(...args, '--json')
    return { code, data: JSON.parse(stdout) as Record<string, unknown> }
  }

  test('check --dry-run shows what would fire, and --fail-on sets the exit code', async () => {
    const { code, stdout, stderr } = await alerts('check', '--dry-run', '--only', 'quotas')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Alerts \(dry run\) · \d{4}-\d\d-\d\d \d\d:\d\d \(UTC\)$/m)
    expect(stdout).toMatch(
      new RegExp(
        `^medium +80% of requests per month +Acme +950 of 1,000 requests used in ${month} \\(80% reached\\)$`,
        'm',
      ),
    )
    expect(stdout).toMatch(/^high +100% of tokens per month +Evil\\x1b\[2J\|name \(key_evil\)/m)
    expect(stdout).toContain('3 alerts would fire. Nothing was changed or sent.')
    expect(await alerts('check', '--dry-run', '--only', 'quotas', '--fail-on', 'high')).toMatchObject({
      code: 1,
    })
    expect(await alerts('check', '--dry-run', '--only', 'quotas', '--fail-on', 'critical')).toMatchObject({
      code: 0,
    })
    expect((await json('list')).data).toMatchObject({ alerts: [] })
  })

  test('check refuses what it cannot do, before it fires anything', async () => {
    for (const [args, message] of [
      [['--at', '80,x'], 'Cannot read "x" as percent'],
      [['--at', '0'], 'Cannot read "0" as percent'],
      [['--only', 'quotas', '--since', '7d'], '--since changes nothing with --only quotas'],
      [['--only', 'quotas', '--threshold', 'rateFactor=2'], '--threshold changes nothing'],
      [['--only', 'security', '--at', '50'], '--at changes nothing with --only security'],
      [['--threshold', 'rate=2'], 'Cannot read "rate=2" as a threshold'],
      [
        ['--threshold', 'rateFactor=-1'],
        'The threshold rateFactor is -1, expected a number from 0 to 1000000000.',
      ],
      [['--threshold', 'rateFactor='], 'The threshold rateFactor is "", expected a number from 0'],
      [
        ['--threshold', 'refusedShare=0,5'],
        'The threshold refusedShare is "0,5", expected a number from 0 to 1.',
      ],
      [['--webhook', 'http://10.1.2.3/token-in-path'], '--allow-http'],
      [['--webhook', 'token-in-path'], 'is no URL'],
      [['--since', 'yesterday'], 'Cannot read "yesterday"'],
    ] as const) {
      const { code, stdout, stderr } = await alerts('check', ...args)
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' })
      expect(stderr).toContain(message)
    }
    expect((await json('list')).data).toMatchObject({ alerts: [] })
  })

  test('check fires, and says in its exit code that alerts could not be sent', async () => {
    receiver.behaviour = 500
    skipPauses()
    const { code, stdout } = await alerts('check', '--webhook', receiver.url)
    expect(code).toBe(1)
    expect(stdout).toContain('4 alerts fired.')
    expect(stdout).toMatch(/^medium +refused-key|^high +refused-key/m)
    expect(stdout).toContain(
      `Note: 4 alerts wait for ${receiver.name} (answered 500): the next checks try again.`,
    )
    const { stdout: list } = await alerts('list')
    expect(list).toMatch(new RegExp(`${receiver.name}: waits, \\d attempts?, answered 500`))
  })

  test('the next check sends what waits, and fires nothing twice', async () => {
    receiver.behaviour = 204
    const db = await openDatabase(url)
    await db.query(
      `update api_key_analytics_alert_deliveries set next_attempt_at = ${db.dialect.timeOf('0')}`,
    )
    await db.close()
    const { code, data } = await json('check', '--webhook', receiver.url, '--fail-on', 'low')
    expect(code).toBe(0)
    expect(data).toMatchObject({
      report: 'alerts',
      dataDir: EMPTY_DATA_DIR,
      dryRun: false,
      fired: [],
      webhooks: [{ webhook: receiver.name, delivered: 4, failed: 0, pending: 0, lastError: null }],
      notes: [],
    })
    expect(new Set(receiver.ids).size).toBe(4)
    expect(receiver.invalid).toEqual([])
  })

  test('list shows alerts, newest first, in every format', async () => {
    const { stdout } = await alerts('list')
    expect(stdout).toMatch(/^Alerts · since \d{4}-\d\d-\d\d \d\d:\d\d \(UTC\)$/m)
    expect(stdout).toMatch(
      new RegExp(`medium +80% of requests per month +Acme +${receiver.name}: delivered \\d{4}-`),
    )
    const markdown = (await alerts('list', '--format', 'markdown')).stdout
    expect(markdown).toContain('| Fired (UTC) | Severity | Alert | Who | Delivery |')
    expect(markdown).toContain('Evil\\\\x1b\\[2J\\|name')
    const { data } = await json('list', '--since', '1d')
    const listed = data['alerts'] as Record<string, unknown>[]
    expect(Object.keys(listed[0]!)).toEqual([
      'id',
      'kind',
      'severity',
      'key',
      'owner',
      'since',
      'until',
      'firedAt',
      'text',
      'quota',
      'finding',
      'title',
      'who',
      'seen',
      'deliveries',
    ])
    expect(listed.find(({ title }) => title === '100% of tokens per month')).toMatchObject({
      kind: 'quota',
      severity: 'high',
      key: { id: evil.id, label: 'key_evil', name: evil.name, owner: 'Acme' },
      quota: { threshold: 100, unit: 'tokens', per: 'month', limit: '1000000', used: '1000000' },
      deliveries: [{ webhook: receiver.name, state: 'delivered', nextAttemptAt: null, lastError: null }],
    })
    expect((await alerts('list', '--format', 'json')).stdout).toBe((await alerts('list', '--json')).stdout)
    expect((await alerts('list', '--since', '2100-01-01')).stdout).toContain('Nothing fired in this time.')
  })

  test('410 stops a webhook, check says so each time, and retry begins again', async () => {
    const db = await openDatabase(url)
    await setQuota(db, { owner: 'Acme', unit: 'requests', per: 'month', limit: 1001 })
    receiver.behaviour = 410
    const { code, stdout } = await alerts('check', '--webhook', `ops=${receiver.url}`)
    expect(code).toBe(1)
    const note = 'ops answered 410 Gone, so nothing more is sent to it. 1 alert waits.'
    expect(stdout).toContain(`Note: ${note} When it is back, run "apikey-analytics alerts retry ops".`)
    expect(await alerts('check', '--webhook', `ops=${receiver.url}`)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(note) as string,
    })
    expect((await alerts('list')).stdout).toContain('ops: disabled, 1 attempt, answered 410 Gone')
    receiver.behaviour = 204
    expect(await alerts('retry', 'ops')).toMatchObject({
      code: 0,
      stdout: '1 alert waits for the next "alerts check".\n',
    })
    expect(await alerts('check')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(
        '1 alert waits for "ops": this check was not given that webhook.',
      ) as string,
    })
    env['APIKEY_ANALYTICS_WEBHOOK'] = `ops=${receiver.url}`
    expect(await alerts('check')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing new. 1 sent to ops.') as string,
    })
    expect(await alerts('retry', 'ops')).toMatchObject({ code: 2 })
    await db.close()
  })

  test('prune takes alerts of periods that are over, once no check looks at them', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000)
    vi.useFakeTimers({ toFake: ['Date'], now: tomorrow })
    onTestFinished(() => void vi.useRealTimers())
    const before = `${tomorrow.toISOString().slice(0, 19)}Z`
    const kept = await runCli(['prune', '--before', before, '--dry-run'], { env })
    expect(kept.stderr).toMatch(/Deletes \d rows with 950 requests, from/)
    vi.setSystemTime(Date.UTC(2100, 0, 2))
    const dry = await runCli(['prune', '--before', '2100-01-01', '--dry-run'], { env })
    expect(dry.stderr).toMatch(/Deletes \d rows with 950 requests and 5 alerts, from/)
    const { code, stdout } = await runCli(['prune', '--before', '2100-01-01', '--yes'], { env })
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'Pruned 2 rows with 950 requests and 5 alerts.\n',
    })
    expect((await json('list')).data).toMatchObject({ alerts: [] })
  })
})
