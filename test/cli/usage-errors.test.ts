import { expect, test } from 'vitest'
import { runCli } from '../support/cli/run-cli.ts'

test.each([
  [['keys', 'name'], 'Missing KEY: name, label, id or a unique start of it.'],
  [['keys', 'name', 'k1', ''], 'Unexpected argument "".'],
  [['keys', 'name', 'k1'], 'Pass --name or --owner.'],
  [['keys', 'name', 'k1', '--name', 'x', '--from', '7d'], '--from needs --owner.'],
  [['keys', 'link', 'k1'], 'Missing --continues.'],
  [['report', '--limit', '1.5'], '--limit must be a whole number, not 1.5.'],
  [['report', '--limit', '-1'], '--limit must be at least 0, not -1.'],
  [['report', '--key'], '--key needs a value.'],
  [['demo', '--serve', '--port', '70000'], '--port must be at most 65535, not 70000.'],
  [['demo', '--port', '80'], '--port needs --serve.'],
  [['imports', 'remove', 'last'], 'Expected a whole number, not last.'],
  [['migrate', '--check', '--dry-run'], 'Pass either --check or --dry-run, not both.'],
  [
    ['close', '--month', '2026-10', '--day', '2026-10-01', '--billable', '2xx'],
    'Pass either --day or --month, not both.',
  ],
  [['reprot'], 'There is no command "reprot". Did you mean report? See apikey-analytics --help.'],
])('says what is wrong with %j, also as JSON', async (args, message) => {
  expect(await runCli(args)).toEqual({ code: 2, stdout: '', stderr: `Error: ${message}\n` })
  const { code, stdout, stderr } = await runCli([...args, '--json'])
  expect({ code, stderr, ...JSON.parse(stdout) }).toEqual({
    code: 2,
    stderr: '',
    error: { code: 'WRONG_USAGE', message },
  })
})

test.each([
  ['quotas', 'csv'],
  ['customers', 'markdown'],
  ['report', 'html'],
])('%s refuses --json beside --format %s', async (topic, format) => {
  const list = topic === 'report' ? [topic] : [topic, 'list']
  const { code, stdout } = await runCli([...list, '--json', '--format', format])
  expect({ code, ...JSON.parse(stdout) }).toEqual({
    code: 2,
    error: { code: 'WRONG_USAGE', message: `Pass either --json or --format ${format}, not both.` },
  })
})
