import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const ROOT = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8')
const { scripts, engines } = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>
  engines: { node: string }
}

test('the workflow runs the command of the README and only scripts that there are', () => {
  const commands = [...read('.github/workflows/ci.yml').matchAll(/- run: (.*)$/gm)].map(([, run = '']) => run)
  expect(commands).toEqual(expect.arrayContaining(['npm ci', 'npm test']))
  const names = commands.map((command) => /^npm (?:run )?(\S+)/.exec(command)?.[1] ?? command)
  expect(names.filter((name) => name !== 'ci' && !(name in scripts))).toEqual([])
})

test('the workflow tests what `npm run matrix` tests, from the oldest supported Node on', () => {
  const versions = (text: string, pattern: RegExp) =>
    (pattern.exec(text)?.[1] ?? '').split(',').map((version) => version.replaceAll(/[\s']/g, ''))
  const workflow = read('.github/workflows/ci.yml')
  const matrix = read('test/matrix/matrix.ts')
  for (const name of ['node', 'postgres']) {
    const tested = versions(workflow, new RegExp(`^ {8}${name}: \\[(.*)\\]$`, 'm'))
    expect(tested).toEqual(versions(matrix, new RegExp(`${name}: \\{.* default: '(.*)' \\}`)))
  }
  expect(versions(workflow, /^ {8}node: \[(.*)\]$/m)[0]).toBe(engines.node.replace('>=', ''))
})
