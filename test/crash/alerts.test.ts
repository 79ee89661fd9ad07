import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkAlerts } from '../../src/alerts/check-alerts.ts'
import type { FaultPoint } from '../../src/model/fault-point.ts'
import { readAlerts } from '../../src/store/alerts/read-alerts.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { setQuota } from '../../src/store/quotas/set-quota.ts'
import { toWebhook } from '../support/worlds/alert-world.ts'
import type { Moment } from '../support/processes/die-at.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { randomInteger, seededRandom } from '../support/random.ts'
import { startProcess } from '../support/processes/run-process.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { WebhookReceiver } from '../support/apps/webhook-receiver.ts'

const KEYS = [1, 2, 3].map((number) => testKey(number, `key_${number}`, { owner: 'Acme' }))
/** Two thresholds of each key. */
const ALERTS = 2 * KEYS.length
const seed = Math.floor(Math.random() * 2 ** 32)

forEachDatabase(`checks of alerts that are killed (seed ${seed})`, (_kind, makeUrl) => {
  let url: string
  let db: Database
  let receiver: WebhookReceiver

  beforeEach(async () => {
    url = await makeUrl()
    db = await openDatabase(url)
    receiver = await WebhookReceiver.start()
    const hour = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString()
    for (const key of KEYS) await setQuota(db, { keyId: key.id, unit: 'requests', per: 'month', limit: 100 })
    await storeUsage(
      url,
      KEYS.map((key) => ({ key, bucket: hour, requests: 150 })),
    )
  })
  afterEach(async () => {
    await db.close()
    await receiver.leave()
  })

  const start = (moment?: Moment) => {
    const order = { database: url, webhook: receiver.url, secret: receiver.secret, moment }
    const child = startProcess('check-alerts', JSON.stringify(order))
    return { child, output: text(child.stdout!), ended: once(child, 'close') }
  }
  const checkElsewhere = async (moment?: Moment) => {
    const { output, ended } = start(moment)
    const [code, signal] = (await ended) as [number | null, string | null]
    return { code, signal, fired: (await output) ? (JSON.parse(await output) as string[]) : undefined }
  }
  const checkHere = async () => (await checkAlerts(db, { webhooks: [toWebhook(receiver)] })).fired
  /** What a process took for an attempt and died with waits until nobody else can be at it. */
  const passTime = () =>
    db.query(`update api_key_analytics_alert_deliveries set next_attempt_at = ${db.dialect.timeOf('0')}`)

  async function expectEachOnce(): Promise<void> {
    await passTime()
    await checkHere()
    const stored = await readAlerts(db, {})
    expect(stored).toHaveLength(ALERTS)
    expect(stored.every(({ deliveries: [one] }) => one?.state === 'delivered')).toBe(true)
    // at least once, and however often with one id
    expect([...new Set(receiver.ids)].toSorted()).toEqual(stored.map(({ id }) => id).toSorted())
    expect(receiver.invalid).toEqual([])
    const before = receiver.received.length
    expect(await checkHere()).toEqual([])
    expect(receiver.received).toHaveLength(before)
  }

  test.each<[FaultPoint, number, sent: number]>([
    ['alerts recorded', 1, 0],
    ['alert claimed', 1, 0],
    ['alert claimed', 4, 3],
    ['alert sent', 1, 1],
    ['alert sent', ALERTS, ALERTS],
  ])('at "%s" (%d): every threshold arrives, with one id', async (point, occurrence, sent) => {
    expect(await checkElsewhere({ point, occurrence })).toMatchObject({ signal: 'SIGKILL' })
    expect(await readAlerts(db, {})).toHaveLength(ALERTS)
    expect(receiver.received).toHaveLength(sent)
    await expectEachOnce()
    // the one that was sent and not noted came twice
    const twice = point === 'alert sent' ? 1 : 0
    expect(receiver.received).toHaveLength(ALERTS + twice)
  })

  test('again and again: every threshold arrives, with one id', async () => {
    for (const point of ['alerts recorded', 'alert claimed', 'alert sent', 'alert sent'] as const) {
      expect(await checkElsewhere({ point, occurrence: 1 })).toMatchObject({ signal: 'SIGKILL' })
      await passTime()
    }
    await expectEachOnce()
  })

  test('at any moment: never an alert without its delivery', async () => {
    const random = seededRandom(seed)
    const from = performance.now()
    const whole = start({ point: 'alerts recorded', occurrence: 1 })
    await whole.ended
    const took = Math.round(performance.now() - from)
    await db.query('delete from api_key_analytics_alerts')
    for (let round = 0; round < 8; round++) {
      const { child, ended } = start()
      const timer = setTimeout(
        () => child.kill('SIGKILL'),
        randomInteger(random, Math.round(took / 2), took * 2),
      )
      await ended
      clearTimeout(timer)
      const stored = await readAlerts(db, {})
      expect([0, ALERTS]).toContain(stored.length)
      expect(stored.every(({ deliveries }) => deliveries.length === 1)).toBe(true)
      await passTime()
    }
    await expectEachOnce()
  })

  test('four at once fire and send each threshold once', async () => {
    const checks = await Promise.all([1, 2, 3, 4].map(() => checkElsewhere()))
    expect(checks.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    expect(checks.flatMap(({ fired }) => fired)).toHaveLength(ALERTS)
    expect(receiver.received).toHaveLength(ALERTS)
    await expectEachOnce()
  })
})
