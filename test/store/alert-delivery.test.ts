import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { deliverAlerts, MOST_ATTEMPTS } from '../../src/alerts/deliver-alerts.ts'
import type { DeliveryOptions, WebhookSummary } from '../../src/alerts/deliver-alerts.ts'
import { retryWebhook } from '../../src/store/alerts/note-delivery.ts'
import { readAlerts } from '../../src/store/alerts/read-alerts.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { fire, makeCandidate, TestClock, toWebhook } from '../support/worlds/alert-world.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { readReadmeBlocks } from '../support/read-readme.ts'
import { WebhookReceiver } from '../support/apps/webhook-receiver.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** The names of all fields, and the types of their values. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)])
}

forEachDatabase('the delivery of alerts', (_kind, makeUrl) => {
  let db: Database
  let receiver: WebhookReceiver
  let clock: TestClock
  let owner = 0

  beforeAll(async () => {
    db = await openDatabase(await makeUrl())
  })
  afterAll(() => db.close())
  beforeEach(async () => {
    // receivers compare the time of a message with their own clock
    vi.useFakeTimers({ toFake: ['Date'] })
    clock = new TestClock(Date.parse('2026-11-20T12:00Z'), (time) => vi.setSystemTime(time))
    clock.move(0)
    receiver = await WebhookReceiver.start()
  })
  afterEach(async () => {
    vi.useRealTimers()
    await receiver.leave()
    await db.query('delete from api_key_analytics_alerts')
  })

  const fireNew = (count = 1) =>
    fire(
      db,
      Array.from({ length: count }, () => makeCandidate(`owner ${++owner}`)),
      [receiver.name],
      clock.time,
    )
  const deliver = async (options: DeliveryOptions = {}): Promise<WebhookSummary> => {
    const { now, pause } = clock
    const settings = { now, pause, random: () => 0.5, ...options }
    return (await deliverAlerts(db, [toWebhook(receiver)], settings))[0]!
  }
  const readDeliveries = async () => (await readAlerts(db, {})).flatMap(({ deliveries }) => deliveries)

  test('sends each alert once, signed, with its id, type, time and facts', async () => {
    const ids = await fireNew(2)
    expect(await deliver()).toEqual({
      webhook: receiver.name,
      delivered: 2,
      failed: 0,
      givenUp: 0,
      pending: 0,
      disabled: 0,
      lastError: null,
    })
    expect(await deliver()).toMatchObject({ delivered: 0 })
    expect(receiver.ids.toSorted()).toEqual(ids.toSorted())
    expect(receiver.invalid).toEqual([])
    const [{ message, headers }] = receiver.received as [(typeof receiver.received)[number]]
    expect(headers['content-type']).toBe('application/json')
    expect(message).toMatchObject({ type: 'quota.threshold', timestamp: '2026-11-20T12:00:00.000Z' })
    expect(message.data).toMatchObject({
      id: receiver.ids[0],
      severity: 'medium',
      key: null,
      since: '2026-11-01T00:00:00.000Z',
      until: '2026-12-01T00:00:00.000Z',
      text: `${String(message.data['owner'])}: 812 of 1,000 requests used in 2026-11 (80% reached)`,
      quota: { threshold: 80, unit: 'requests', per: 'month', limit: '1000', used: '812' },
      finding: null,
    })
    const documented = JSON.parse(
      readReadmeBlocks('docs/alerts.md').find(({ name }) => name === 'alert.json')!.text,
    ) as typeof message
    expect(shapeOf(message)).toEqual(shapeOf(documented))
    expect(await readDeliveries()).toMatchObject([
      { state: 'delivered', attempts: 1, deliveredAt: new Date(clock.time), lastError: null },
      { state: 'delivered', attempts: 1 },
    ])
  })

  test('is signed with both secrets while the secret is changed', async () => {
    await fireNew()
    const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    const webhook = { ...toWebhook(receiver), secrets: [other, receiver.secret] }
    await deliverAlerts(db, [webhook], { now: clock.now })
    expect(receiver.invalid).toEqual([])
    expect(String(receiver.received[0]!.headers['webhook-signature']).split(' ')).toHaveLength(2)
  })

  test.each([
    ['answers 500', 500 as const, 'answered 500'],
    ['drops its answer', 'drop' as const, 'ECONNRESET'],
    ['answers too late', 'hang' as const, 'no answer within 0.2 s'],
  ])(
    'a receiver that %s once gets the alert again in the same run, with the same id',
    async (_, bad, error) => {
      const [id] = await fireNew()
      receiver.behaviour = () => (receiver.received.length === 1 ? bad : 204)
      const summary = await deliver({ timeoutMs: 200 })
      expect(summary).toMatchObject({ delivered: 1, failed: 1, pending: 0, lastError: error })
      expect(receiver.ids).toEqual([id, id])
      expect(receiver.received[0]!.body).toBe(receiver.received[1]!.body)
      expect(await readDeliveries()).toMatchObject([{ state: 'delivered', attempts: 2, lastError: null }])
    },
  )

  test('a receiver that is away for an hour gets every alert once it is back, each once', async () => {
    const ids = await fireNew(5)
    await receiver.leave()
    const ends = clock.time + HOUR
    while (clock.time < ends) {
      expect(await deliver()).toMatchObject({ delivered: 0, pending: 5 })
      clock.move(5 * 60_000)
    }
    const waiting = await readDeliveries()
    expect(waiting.map(({ lastError }) => lastError)).toEqual(
      expect.arrayContaining(Array(3).fill('ECONNREFUSED')),
    )
    await receiver.comeBack()
    while ((await deliver()).pending > 0) clock.move(5 * 60_000)
    expect(receiver.ids.toSorted()).toEqual(ids.toSorted())
    expect(receiver.invalid).toEqual([])
    // every further attempt waits longer
    expect(Math.max(...(await readDeliveries()).map(({ attempts }) => attempts))).toBeLessThan(10)
  })

  test('waits longer after every failure, with jitter, and gives up after 20 attempts in about three days', async () => {
    await fireNew()
    receiver.behaviour = 503
    const start = clock.time
    let random = 0
    while ((await readDeliveries())[0]!.state === 'pending') {
      await deliver({ random: () => (random = (random + 0.37) % 1) })
      clock.move(20 * 60_000)
    }
    expect(receiver.received).toHaveLength(MOST_ATTEMPTS)
    expect((clock.time - start) / DAY).toBeGreaterThan(2)
    expect((clock.time - start) / DAY).toBeLessThan(4.5)
    expect(await readDeliveries()).toMatchObject([
      { state: 'given up', attempts: MOST_ATTEMPTS, lastError: 'answered 503' },
    ])
    receiver.behaviour = 204
    expect(await deliver()).toMatchObject({ delivered: 0, pending: 0 })
    expect(await retryWebhook(db, receiver.name, clock.time)).toBe(1)
    expect(await deliver()).toMatchObject({ delivered: 1 })
    expect(new Set(receiver.ids).size).toBe(1)
  })

  test('410 Gone stops: nothing more is sent, also of later alerts, until it is asked for', async () => {
    const ids = await fireNew(3)
    receiver.behaviour = 410
    expect(await deliver()).toMatchObject({
      delivered: 0,
      failed: 1,
      disabled: 3,
      pending: 0,
      lastError: 'answered 410 Gone',
    })
    receiver.behaviour = 204
    ids.push(...(await fireNew()))
    clock.move(DAY)
    expect(await deliver()).toMatchObject({ delivered: 0, disabled: 4 })
    expect(receiver.received).toHaveLength(1)
    await retryWebhook(db, receiver.name, clock.time)
    expect(await deliver()).toMatchObject({ delivered: 4, disabled: 0 })
    expect(new Set(receiver.ids)).toEqual(new Set(ids))
  })

  test('follows no redirect', async () => {
    const elsewhere = await WebhookReceiver.start()
    await fireNew()
    for (const status of [301, 302, 307, 308]) {
      receiver.behaviour = status
      receiver.location = elsewhere.url
      expect(await deliver()).toMatchObject({
        delivered: 0,
        lastError: `answered ${status}: redirects are not followed, give the new URL`,
      })
      clock.move(HOUR)
    }
    expect(elsewhere.received).toEqual([])
    await elsewhere.leave()
  })

  test('does not read an endless answer', async () => {
    await fireNew()
    receiver.behaviour = 'flood'
    expect(await deliver()).toMatchObject({ delivered: 1, failed: 0 })
  })

  test('a receiver that refuses one alert gets the others', async () => {
    const [bad] = await fireNew(5)
    receiver.behaviour = ({ id }) => (id === bad ? 400 : 204)
    expect(await deliver()).toMatchObject({ delivered: 4, pending: 1, lastError: 'answered 400' })
  })

  test('two webhooks do not wait for each other', async () => {
    const other = await WebhookReceiver.start()
    const [id] = await fire(db, [makeCandidate('both')], [receiver.name, other.name], clock.time)
    receiver.behaviour = 500
    const summaries = await deliverAlerts(db, [toWebhook(receiver), toWebhook(other)], {
      now: clock.now,
      pause: clock.pause,
      random: () => 0.5,
    })
    expect(summaries).toMatchObject([
      { delivered: 0, pending: 1 },
      { delivered: 1, pending: 0 },
    ])
    expect(other.ids).toEqual([id])
    await other.leave()
  })

  test('several runs at once send each alert once', async () => {
    const ids = await fireNew(30)
    vi.useRealTimers()
    clock.time = Date.now()
    const deliver = async () => (await deliverAlerts(db, [toWebhook(receiver)]))[0]!
    const runs = await Promise.all([deliver(), deliver(), deliver()])
    expect(runs.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(30)
    expect(receiver.ids.toSorted()).toEqual(ids.toSorted())
  })

  test('clocks that jump lose nothing, give up nothing and let nothing wait for long', async () => {
    const [id] = await fireNew()
    receiver.behaviour = 500
    clock.move(40 * DAY)
    await deliver()
    clock.move(-40 * DAY)
    // what failed in the wrong time is due at once
    await deliver()
    expect(receiver.received.length).toBeGreaterThan(2)
    clock.move(-40 * DAY)
    receiver.behaviour = 204
    expect(await deliver()).toMatchObject({ delivered: 1, pending: 0 })
    expect(new Set(receiver.ids)).toEqual(new Set([id]))
  })

  test('no error that is kept has the URL or the secret', async () => {
    await fireNew(3)
    receiver.behaviour = 500
    await deliver()
    await receiver.leave()
    clock.move(HOUR)
    await deliver()
    const kept = JSON.stringify(await db.query('select * from api_key_analytics_alert_deliveries'))
    expect(kept).toContain('ECONNREFUSED')
    expect(kept).not.toContain('token-in-path')
    expect(kept).not.toContain(receiver.secret.slice(6))
  })
})
