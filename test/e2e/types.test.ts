import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BUNDLER, compileApp, NODE16, NODENEXT } from '../support/apps/compile-app.ts'
import type { InstalledApp } from '../support/apps/install-package.ts'
import { copySharedApp } from '../support/apps/shared-app.ts'

const OK = { code: 0, stdout: '', stderr: '' }

let app: InstalledApp

beforeAll(async () => {
  app = await copySharedApp()
})

afterAll(() => app?.remove())

describe.each(['typescript5', 'typescript7'] as const)('%s', (compiler) => {
  // TypeScript 5 takes seconds for the declarations that are read: it checks those of an app once, TypeScript 7 always
  const quickly = compiler === 'typescript5' ? ['--skipLibCheck', 'true'] : []
  // one program per way to find packages: reading all declarations is what takes the time
  test.each([
    { how: NODE16, script: 'common-js-import', more: [] },
    // TypeScript 5 finds packages as with node16, and takes long
    ...(compiler === 'typescript7' ? [{ how: NODENEXT, script: 'common-js', more: [] }] : []),
    { how: BUNDLER, script: undefined, more: quickly },
  ])('checks an app, and reads no MikroORM: module $how.0 with $how.1', async ({ how, script, more }) => {
    const files = script ? ['app.ts', `${script}.cts`] : ['app.ts']
    const { code, stdout } = await compileApp(app, compiler, how, files, '--listFiles', ...more)
    const read = stdout.trim().split('\n')
    expect({ code, errors: read.filter((line) => line.includes(' error TS')) }).toEqual({
      code: 0,
      errors: [],
    })
    expect(read).toContain(join(app.folder, 'node_modules/apikey-analytics/dist/index.d.ts'))
    expect(read.filter((path) => /mikro-orm|kysely|better-sqlite3/.test(path))).toEqual([])
    if (!script) return
    // it was compiled to a CommonJS module, which counts
    const ran = await app.run('node', [`${script}.cjs`], { APP_DATA_DIR: join(app.folder, compiler, script) })
    expect(ran).toEqual({ code: 0, stdout: '1', stderr: '' })
  })

  test('checks queries of MikroORM', async () => {
    // MikroORM 7.2.1's own declarations have errors under this one setting
    const loose = ['--exactOptionalPropertyTypes', 'false']
    expect(await compileApp(app, compiler, NODENEXT, ['orm.ts'], '--noEmit', ...loose, ...quickly)).toEqual(
      OK,
    )
  })
})
