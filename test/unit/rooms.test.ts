import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SOURCES = join(ROOT, 'src')
const EXPORTED = /^export (?:async )?(?:function\*? ?|const |class )(\w+)/gm

test('the design page says what is in each folder', () => {
  const design = readFileSync(join(ROOT, 'docs/design.md'), 'utf8')
  const named = [...design.matchAll(/^\| `src\/([\w-]+)` +\|/gm)].map(([, folder]) => folder!)
  const entries = readdirSync(SOURCES, { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  expect(named.toSorted()).toEqual(folders.toSorted())
})

test('a name means one thing: no two files export a function, class or constant of the same name', () => {
  const places = new Map<string, string[]>()
  for (const file of globSync('**/*.ts', { cwd: SOURCES })) {
    for (const [, name] of readFileSync(join(SOURCES, file), 'utf8').matchAll(EXPORTED)) {
      places.set(name!, [...(places.get(name!) ?? []), file])
    }
  }
  expect(places.size).toBeGreaterThan(500)
  expect([...places].filter(([, files]) => files.length > 1)).toEqual([])
})
