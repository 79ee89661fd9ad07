import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runProcess } from '../support/processes/run-process.ts'

forEachDatabase('a process that used every part', (_kind, makeUrl) => {
  test.each([
    ['and closed them', true],
    ['and closed none of them', false],
  ])('%s ends by itself once its server is closed', async (_, close) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    const options = { database: await makeUrl(), dataDir, close }
    const { code, output } = await runProcess('use-all-parts', JSON.stringify(options))
    expect({ code, output }).toEqual({ code: 0, output: '["served",2,2]' })
    rmSync(dataDir, { recursive: true })
  })
})
