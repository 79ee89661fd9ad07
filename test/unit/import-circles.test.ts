import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url))
/** Imports and exports from files of ours: values, types, and those made while the program runs. */
const IMPORT = /(?:\bfrom|\bimport\(|^import)\s*'(\.[^']+\.ts)'/gm

const files = globSync('**/*.ts', { cwd: SOURCES })
const textOf = new Map(files.map((file) => [file, readFileSync(join(SOURCES, file), 'utf8')]))
const importsOf = new Map(
  files.map((file) => [
    file,
    [...textOf.get(file)!.matchAll(IMPORT)].map(([, path]) => join(dirname(file), path!)),
  ]),
)

/** Imports and exports of values that are loaded together with the file. */
const LOADING = /^(?:import|export) (?!type\b)(?:[\w ,*]*(?:\{[^}]*\})? ?from )?'([^']+)'/gm

/** The files that load a package when they are loaded, themselves or through others. */
function findLoading(name: string): string[] {
  const loads = new Map(
    files.map((file) => [
      file,
      [...textOf.get(file)!.matchAll(LOADING)].map(([, path]) =>
        path!.startsWith('.') ? join(dirname(file), path!) : path!,
      ),
    ]),
  )
  const found = new Set<string>()
  for (let before = -1; before < found.size;) {
    before = found.size
    for (const [file, loaded] of loads)
      if (loaded.some((path) => path.startsWith(name) || found.has(path))) found.add(file)
  }
  return [...found].toSorted()
}

/** The circles of a graph, each as the way round it. */
function findCircles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' -> '))
    if (way.includes(file) || done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...way, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return circles
}

test('finds a circle', () => {
  const graph = new Map([
    ['a', ['b', 'd']],
    ['b', ['c']],
    ['c', ['b']],
    ['d', []],
  ])
  expect(findCircles(graph)).toEqual(['b -> c -> b'])
})

test('knows what every file imports', () => {
  expect(files.length).toBeGreaterThan(100)
  expect([...importsOf.values()].flat().filter((file) => !textOf.has(file))).toEqual([])
})

test('has no circle between files, of types neither', () => {
  expect(findCircles(importsOf)).toEqual([])
})

test('loads MikroORM only to migrate, to move and for people: it takes longer than a report', () => {
  const meant = /^(store\/database\/(entities|migrations)|move|store\/move)\//
  expect(findLoading('@mikro-orm/').filter((file) => !meant.test(file))).toEqual([
    'orm.ts',
    'store/database/orm-options.ts',
    'store/database/read-only-orm.ts',
    'store/get-orm.ts',
  ])
})

test('imports the command line nowhere else', () => {
  const others = files.filter((file) => !file.startsWith('cli/'))
  const toCli = others.filter((file) => importsOf.get(file)!.some((path) => path.startsWith('cli/')))
  expect(toCli).toEqual([])
})

test.each(['cli/', 'report/', 'removal/', 'security/', 'alerts/', 'terminal/', 'dashboard/'])(
  'has no SQL and no ORM in %s',
  (room) => {
    const inRoom = files.filter((file) => file.startsWith(room))
    expect(inRoom.length).toBeGreaterThan(0)
    const wrong = inRoom.filter((file) =>
      /@mikro-orm|\.query[<(]|\b(from|into|update) api_key_analytics/.test(textOf.get(file)!),
    )
    expect(wrong).toEqual([])
  },
)
