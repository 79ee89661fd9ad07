import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Package {
  readonly gypfile?: boolean
  readonly scripts?: Readonly<Record<string, string>>
}

const readJson = (...path: string[]): unknown => JSON.parse(readFileSync(join(ROOT, ...path), 'utf8'))

/**
 * npm compiles a package that has a binding.gyp and no install script of its own. It asks the lock file, not the
 * package, whether that is wanted, and `npm install` leaves the answer out: https://github.com/WiseLibs/better-sqlite3/issues/1516
 * This can go when better-sqlite3 is published without a binding.gyp, or with an install script.
 */
test('npm ci compiles nothing: put "gypfile": false back into the lock file after npm install', () => {
  const { packages } = readJson('package-lock.json') as { packages: Record<string, Package> }
  const compiled = Object.keys(packages).filter((path) => {
    if (!existsSync(join(ROOT, path, 'binding.gyp'))) return false
    const { scripts = {} } = readJson(path, 'package.json') as Package
    return !scripts['install'] && !scripts['preinstall'] && packages[path]!.gypfile !== false
  })
  expect(compiled).toEqual([])
})
