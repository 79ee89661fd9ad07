import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { COMPILERS, compileApp, NODENEXT, RESOLUTIONS } from '../support/compile-app.ts'
import { installPackage } from '../support/install-package.ts'
import type { InstalledApp } from '../support/install-package.ts'

const OK = { code: 0, stdout: '', stderr: '' }

let app: InstalledApp

beforeAll(async () => {
  app = await installPackage('koa@3', '@types/koa@3', '@types/node@24', ...COMPILERS)
})

afterAll(() => app?.remove())

describe.each(['typescript5', 'typescript7'] as const)('%s', (compiler) => {
  test.each(RESOLUTIONS)('checks an app and all it reads, no MikroORM: module %s with %s', async (...how) => {
    const { code, stdout } = await compileApp(app, compiler, how, 'app.ts', '--noEmit', '--listFiles')
    const read = stdout.trim().split('\n')
    expect({ code, errors: read.filter((line) => line.includes(' error TS')) }).toEqual({
      code: 0,
      errors: [],
    })
    expect(read).toContain(join(app.folder, 'node_modules/apikey-analytics/dist/index.d.ts'))
    expect(read.filter((path) => /mikro-orm|kysely|better-sqlite3/.test(path))).toEqual([])
  })

  test('checks queries of MikroORM', async () => {
    // MikroORM 7.2.1's own declarations have errors under this one setting
    const loose = ['--exactOptionalPropertyTypes', 'false']
    expect(await compileApp(app, compiler, NODENEXT, 'orm.ts', '--noEmit', ...loose)).toEqual(OK)
  })

  test.each([
    ['common-js', 'nodenext'],
    ['common-js-import', 'node16'],
  ] as const)('compiles %s.cts with module %s, and it counts', async (file, module) => {
    expect(await compileApp(app, compiler, [module, module], `${file}.cts`)).toEqual(OK)
    const ran = await app.run('node', [`${file}.cjs`], { APP_DATA_DIR: join(app.folder, compiler, file) })
    expect(ran).toEqual({ code: 0, stdout: '1', stderr: '' })
  })
})
