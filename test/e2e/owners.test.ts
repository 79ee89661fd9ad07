import { expect, test } from 'vitest'
import { addUsage, openUsage } from '../../src/index.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { readAccount, serveAnalytics } from '../support/apps/serve-analytics.ts'
import { serveUnits } from '../support/apps/serve-units.ts'

const HOUR_MS = 3_600_000

forEachDatabase('an app', (_, makeUrl) => {
  /** An app whose customers may change, with one key of theirs. */
  async function serve(url: string, said: { name: string; owner: string | null }) {
    return serveAnalytics({ database: url, identify: () => ({ id: 'key_11', ...said }) })
  }

  async function read(url: string): Promise<{ key: unknown; byOwner: unknown[] }> {
    const usage = await openUsage(url)
    try {
      const byOwner = await usage.findUsage({ by: ['owner'], sort: 'group' })
      const [key] = await usage.findKeys('key_11')
      return {
        key: key && [key.name, key.owner],
        byOwner: byOwner.map(({ owner, requestCount }) => [owner, requestCount]),
      }
    } finally {
      await usage.close()
    }
  }

  test('that says another name and owner is believed with the next flush, and what was counted before stays', async () => {
    const url = await makeUrl()
    const said: { name: string; owner: string | null } = { name: 'Web', owner: 'Customer 8' }
    await using served = await serve(url, said)
    await served.request(3)
    await served.analytics.flush()
    // seconds later, in the same bucket: only the name can change without taking the bucket along
    said.name = 'Web shop'
    await served.request(1)
    await served.analytics.flush()
    expect(await read(url)).toEqual({ key: ['Web shop', 'Customer 8'], byOwner: [['Customer 8', 4]] })
    served.passTime(HOUR_MS)
    said.owner = 'NewCo'
    await served.request(2)
    await served.analytics.flush()
    said.owner = null
    await served.request(1)
    await served.analytics.flush()
    expect(await read(url)).toEqual({
      key: ['Web shop', 'NewCo'],
      byOwner: [
        ['Customer 8', 4],
        ['NewCo', 3],
      ],
    })
    expect(await readAccount(url)).toMatchObject({ balanced: true, storedRequests: 7 })
  })

  test('whose counts waited for the database has each hour under the owner of that hour', async () => {
    const url = await makeUrl()
    const said: { name: string; owner: string | null } = { name: 'Web', owner: 'A' }
    await using served = await serve(url, said)
    for (const owner of ['A', 'B', 'B', 'C']) {
      said.owner = owner
      await served.request(2)
      served.passTime(HOUR_MS)
    }
    await served.analytics.flush()
    expect(await read(url)).toEqual({
      key: ['Web', 'C'],
      byOwner: [
        ['A', 2],
        ['B', 4],
        ['C', 2],
      ],
    })
  })

  test('has a key with its new customer, whatever a stream or a job of the former one adds later', async () => {
    const url = await makeUrl()
    const said = { id: 'key_11', owner: 'Acme' }
    await using app = await serveUnits(url, { identify: () => ({ ...said }) })
    let addLater = () => {}
    await app.request((ctx) => {
      addLater = () => addUsage(ctx, 'tokens', 5)
    })
    said.owner = 'Globex'
    await app.request(() => {})
    addLater()
    await app.request(() => {})
    await app.analytics.flush()
    expect((await read(url)).byOwner).toEqual([['Globex', 3]])
    app.analytics.addEndpointAccess({ id: 'key_11', owner: 'Acme' }, 'POST /jobs')
    await app.request(() => {})
    await app.analytics.flush()
    expect((await read(url)).byOwner).toEqual([['Globex', 5]])
  })
})
