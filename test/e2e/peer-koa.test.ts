import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileApp, NODENEXT } from '../support/apps/compile-app.ts'
import { installPackage } from '../support/apps/install-package.ts'
import type { InstalledApp } from '../support/apps/install-package.ts'

let app: InstalledApp

beforeAll(async () => {
  app = await installPackage('koa@2', '@types/koa@2', '@types/node@24')
})

afterAll(() => app?.remove())

test('an app with Koa 2 gets no second Koa and no second types', async () => {
  for (const name of ['koa', '@types/koa']) {
    const { stdout } = await app.run('npm', ['ls', name, '--all', '--parseable'])
    const copies = stdout.split('\n').filter((path) => path.endsWith(`/node_modules/${name}`))
    expect(copies).toEqual([join(app.folder, 'node_modules', name)])
  }
})

test('its types compile', async () => {
  const compiled = await compileApp(app, 'typescript7', NODENEXT, ['app.ts'], '--noEmit')
  expect(compiled).toEqual({ code: 0, stdout: '', stderr: '' })
})

test('the demo is served by Koa 2', async () => {
  const demo = await app.run('npx', ['apikey-analytics', 'demo'])
  expect(demo).toMatchObject({ code: 0, stdout: expect.stringContaining('Who calls POST /v1/orders') })
})

test('without Koa the commands that serve pages say what to install, and the others work', async () => {
  const away = join(app.folder, 'away')
  mkdirSync(away)
  renameSync(join(app.folder, 'node_modules', 'koa'), join(away, 'koa'))
  const answer = { code: 1, stdout: '', stderr: expect.stringContaining('Run "npm install koa"') }
  expect(await app.run('npx', ['apikey-analytics', 'demo'])).toEqual(answer)
  const demoDir = ['--data-dir', '.apikey-analytics/demo']
  expect(await app.run('npx', ['apikey-analytics', 'dashboard', '--port', '0', ...demoDir])).toEqual(answer)
  expect(await app.run('npx', ['apikey-analytics', 'report', ...demoDir])).toMatchObject({ code: 0 })
})
