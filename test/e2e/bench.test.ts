import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { run } from '../bench/time.ts'

const ONE_PROCESS = new URL('../bench/peers/one-process.ts', import.meta.url).pathname
const START = new URL('../bench/start.ts', import.meta.url).pathname
const BENCH = new URL('../bench/peers/bench.ts', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('the benchmark writes a table in which a killed process of ours has lost nothing', async () => {
  const out = join(folder, 'table.md')
  const hadPeers = existsSync(new URL('node_modules', `file://${BENCH}`))
  const short = ['--rounds', '1', '--seconds', '0.1', '--warm-up', '0.1']
  await run(process.execPath, [BENCH, '--only', 'apikey-analytics', ...short, '--out', out])

  const lines = readFileSync(out, 'utf8').split('\n')
  const table = lines.filter((line) => line.startsWith('|')).map((line) => line.split('|').slice(1, -1))
  expect(table.map((cells) => cells.length)).toEqual([8, 8, 8, 8])
  const [name, version, perKey, even, skewed, all, loop, lost] = table[3]!.map((cell) => cell.trim())
  expect({ name, version, perKey, lost }).toEqual({
    name: 'apikey-analytics',
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    perKey: 'yes',
    lost: '0',
  })
  for (const ratio of [even, skewed]) {
    expect(ratio).toMatch(/^(\d\.\d\d \[\d\.\d\d-\d\.\d\d\]|no round kept)$/)
  }
  expect(all).toMatch(/^(\d\.\d\d|-)$/)
  expect(loop).toMatch(/^(\d\.\d\d|-), (\d\.\d\d|-)$/)
  expect(lines.join('\n')).toMatch(/\d of 3 rounds kept, .* Node \d+\./)
  expect(existsSync(new URL('node_modules', `file://${BENCH}`)), 'peers were installed').toBe(hadPeers)
})

test('one process tells what a counted request costs next to a bare one', async () => {
  const short = ['--processes', '1', '--rounds', '1', '--seconds', '0.1', '--warm-up', '0.1']
  const { stdout } = await promisify(execFile)(process.execPath, [
    ONE_PROCESS,
    '--only',
    'apikey-analytics',
    ...short,
  ])
  const ratio = String.raw`\d\.\d{3}x`
  for (const traffic of ['uniform', 'skewed']) {
    for (const name of ['bare app, again', 'apikey-analytics']) {
      expect(stdout).toMatch(new RegExp(`^${traffic}, ${name}: ${ratio} \\[${ratio} to ${ratio}\\]$`, 'm'))
    }
  }
})

test('the first seconds of an app are measured bare and with each database', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [START, '1', '500'])
  const figure = String.raw`\d+ \[\d+-\d+\]`
  for (const name of ['bare', 'sqlite', 'postgresql']) {
    const stall = `longest stall ${figure} ms, slowest request ${figure} ms`
    expect(stdout).toMatch(new RegExp(`^${name}: listens after ${figure} ms, ${stall}, `, 'm'))
  }
  for (const name of ['sqlite', 'postgresql']) {
    expect(stdout).toMatch(new RegExp(`^${name}: -?\\d+ ms more than the bare app (OK|TOO MUCH) `, 'm'))
  }
})
