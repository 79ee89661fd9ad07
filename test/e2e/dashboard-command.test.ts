import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'
import { runBin, startCli } from '../support/cli/start-cli.ts'

forEachDatabase('the command dashboard', (_kind, makeUrl) => {
  test('prints one link, serves until Ctrl-C, and ends well', async () => {
    const env = { DATABASE_URL: await makeUrl() }
    const child = startCli(['dashboard', '--port', '0'], { env })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [link] = (await once(child.stdout!, 'data')) as [Buffer]
    const url = new URL(link.toString().trim())
    expect(url.hostname).toBe('127.0.0.1')
    expect((await fetch(new URL('/api/report', url))).status).toBe(401)
    const welcome = await fetch(url)
    const cookie = welcome.headers.get('set-cookie')!.split(';')[0]!
    const report = await fetch(new URL('/api/report', url), { headers: { cookie } })
    expect(await report.json()).toMatchObject({ report: 'overview', total: { requests: 0 } })
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([0, null])
  })
})

describe('the command dashboard', () => {
  test('says what to do when there is no database', async () => {
    const { code, stdout, stderr } = await runBin(['dashboard'], { cwd: EMPTY_DATA_DIR })
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: No usage.db in ${join(EMPTY_DATA_DIR, '.apikey-analytics')}: pass --data-dir, or name the database of the app with --database, DATABASE_URL or --env-file.\n`,
    })
  })
})

forEachDatabase('a taken port', (_kind, makeUrl) => {
  test('is told with the way out', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    const { port } = other.address() as AddressInfo
    const env = { DATABASE_URL: await makeUrl() }
    const { code, stderr } = await runBin(['dashboard', '--port', String(port)], { env })
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `Error: Cannot listen on port ${port} (EADDRINUSE). Pass --port.\n`,
    })
  })
})
