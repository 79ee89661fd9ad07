import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const HOSTILE = `<script>alert('1')</script>" onload="x" & \u202eco`
const month = ['--month', '2026-10']

forEachDatabase('report --open', (_kind, makeUrl) => {
  let folder: string
  let env: Record<string, string>
  const opened = () => readFileSync(join(folder, 'opened'), 'utf8').split('\0').slice(0, -1)

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    // the openers of Linux and macOS
    for (const name of ['xdg-open', 'open']) {
      writeFileSync(
        join(folder, name),
        `#!/bin/sh\nprintf '%s\\0' "$@" > '${folder}/part'\n/bin/mv '${folder}/part' '${folder}/opened'\n`,
      )
      chmodSync(join(folder, name), 0o755)
    }
    env = { DATABASE_URL: await makeUrl(), APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR, PATH: folder }
    const bucket = '2026-10-01T10:00Z'
    await storeUsage(env['DATABASE_URL']!, [
      { key: testKey(1, 'acme', { owner: HOSTILE }), bucket, requests: 7 },
      { key: testKey(2, 'globex'), bucket, requests: 3, status: 404 },
    ])
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('writes a page that only its user can read, prints where, and opens it', async () => {
    const { code, stdout, stderr } = await runCli(['report', ...month, '--open'], { env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const page = stdout.trim()
    expect(basename(page)).toBe('report.html')
    expect(statSync(page).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(page)).mode & 0o777).toBe(0o700)
    await expect
      .poll(() => existsSync(join(folder, 'opened')) && opened(), { timeout: PATIENCE_MS })
      .toEqual([pathToFileURL(page).href])
    const html = readFileSync(page, 'utf8')
    expect(html).toContain('<p>10 requests')
    expect(html).toContain('Requests per day')
    expect(html).toMatch(/<td>globex<\/td><td class="number">3<\/td>/)
    expect(html).toContain('<td>Total of 2 keys</td><td class="number">10</td>')
    rmSync(dirname(page), { recursive: true })
  })

  test('a name is text in the page, never markup', async () => {
    const { stdout } = await runCli(['report', ...month, '--by', 'owner', '--format', 'html'], { env })
    expect(stdout).toContain(
      '&#60;script&#62;alert(&#39;1&#39;)&#60;/script&#62;&#34; onload=&#34;x&#34; &#38; \\u{202e}co',
    )
    expect(stdout).not.toMatch(/<script|onload="/)
    expect(stdout).toContain(`default-src 'none'`)
  })

  test('writes to --out, and opens that', async () => {
    rmSync(join(folder, 'opened'), { force: true })
    const page = join(folder, 'a $(page) "é.html')
    const { code, stdout } = await runCli(['report', ...month, '--by', 'status', '--open', '--out', page], {
      env,
    })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${page}\n` })
    await expect
      .poll(() => existsSync(join(folder, 'opened')) && opened(), { timeout: PATIENCE_MS })
      .toEqual([pathToFileURL(page).href])
    expect(readFileSync(page, 'utf8')).toMatch(/<td>404<\/td><td class="number">3<\/td>/)
  })

  test('without a browser it says where the page is', async () => {
    const page = join(folder, 'page.html')
    const { code, stdout, stderr } = await runCli(['report', ...month, '--open', '--out', page], {
      env: { ...env, PATH: '/nowhere' },
    })
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `${page}\n`,
      stderr: 'No browser could be opened: open the file yourself.\n',
    })
    expect(existsSync(page)).toBe(true)
  })

  describe('goes with every flag but', () => {
    test.each([
      [['--format', 'csv'], '--open shows a page: leave --format out.'],
      [['--format', 'table'], '--open shows a page: leave --format out.'],
      [['--format', 'xlsx'], '--open shows a page: leave --format out.'],
      [['--csv-separator', ';'], '--csv-separator needs --format csv.'],
      [['--watch'], 'Pass either --open or --watch, not both.'],
    ])('%j', async (flags, message) => {
      rmSync(join(folder, 'opened'), { force: true })
      const { code, stdout, stderr } = await runCli(['report', ...month, '--open', ...flags], { env })
      expect({ code, stdout, stderr: stderr.includes(message) || stderr }).toEqual({
        code: 2,
        stdout: '',
        stderr: true,
      })
      expect(existsSync(join(folder, 'opened'))).toBe(false)
    })
  })
})
