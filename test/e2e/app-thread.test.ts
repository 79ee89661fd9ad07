import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runProcess } from '../support/processes/run-process.ts'

forEachDatabase("the app's own thread", (_kind, makeUrl) => {
  test('never loads MikroORM nor a driver of PostgreSQL, which would stall it', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    const options = JSON.stringify({ database: await makeUrl(), dataDir })
    const { code, output } = await runProcess('list-packages', options)
    expect(code).toBe(0)
    const { flushed, packages } = JSON.parse(output) as { flushed: number; packages: string[] }
    expect(flushed).toBe(1)
    expect(packages).toContain('koffi')
    // which only reads URLs: a small file without dependencies
    const heavy = packages.filter((name) => name !== 'pg-connection-string')
    expect(heavy.filter((name) => /mikro-orm|^pg|kysely|migrat/.test(name))).toEqual([])
    rmSync(dataDir, { recursive: true })
  })
})
