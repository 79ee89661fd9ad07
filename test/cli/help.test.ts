import { expect, test } from 'vitest'
import { runCli } from '../support/cli/run-cli.ts'

const help = async (...args: string[]) => {
  const { code, stdout, stderr } = await runCli(args, { env: { COLUMNS: '120' } })
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
  return stdout
}

test.each(['report', 'keys name', 'keys'])('help %s, --help and -h say the same', async (name) => {
  const words = name.split(' ')
  const text = await help('help', ...words)
  expect(text).toContain(`apikey-analytics ${name}`)
  expect(await help(...words, '--help')).toBe(text)
  expect(await help(...words, '-h')).toBe(text)
  // eslint-disable-next-line no-control-regex
  expect(text).not.toMatch(/\u001b/)
})

test('help lists all commands, but not the one that completion scripts ask', async () => {
  const text = await help('help')
  expect(await help('--help')).toBe(text)
  expect(await help()).toBe(text)
  expect(text).toMatch(/^ +report +Show who called what/m)
  expect(text).not.toMatch(/^ +complete /m)
})

test('is as wide as COLUMNS says', async () => {
  const widest = Math.max(...(await help('help', 'verify')).split('\n').map(({ length }) => length))
  expect(widest).toBeGreaterThan(80)
  expect(widest).toBeLessThanOrEqual(100)
})

test('says of what there is no help, with what is similar', async () => {
  expect(await runCli(['help', 'reprot'])).toEqual({
    code: 2,
    stdout: '',
    stderr: 'Error: There is no command "reprot". Did you mean report? See apikey-analytics --help.\n',
  })
})
