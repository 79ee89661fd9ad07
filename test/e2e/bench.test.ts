import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { run } from '../bench/time.ts'

const BENCH = new URL('../bench/peers/bench.ts', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('the benchmark writes a table in which a killed process of ours has lost nothing', async () => {
  const out = join(folder, 'table.md')
  const hadPeers = existsSync(new URL('node_modules', `file://${BENCH}`))
  const short = ['--rounds', '1', '--seconds', '1', '--warm-up', '1']
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
  expect(all).toMatch(/^\d\.\d\d$/)
  expect(loop).toMatch(/^(\d\.\d\d|-), (\d\.\d\d|-)$/)
  expect(lines.join('\n')).toMatch(/\d of 3 rounds kept, .* Node \d+\./)
  expect(existsSync(new URL('node_modules', `file://${BENCH}`)), 'peers were installed').toBe(hadPeers)
})
