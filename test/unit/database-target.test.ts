import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { CounterFile } from '../../src/buffer/file/counter-file.ts'
import { fileBytes, shapeFor } from '../../src/buffer/file/counter-layout.ts'
import { heapMemory } from '../../src/buffer/file/counter-memory.ts'
import { targetOf } from '../../src/options/database-target.ts'
import { describeDatabaseUrl } from '../../src/options/parse-database-url.ts'

const home = realpathSync(mkdtempSync(join(tmpdir(), 'apikey-analytics-unit-')))
const dataDir = join(home, 'data')
mkdirSync(dataDir)
symlinkSync(dataDir, join(home, 'link'))
afterAll(() => rmSync(home, { recursive: true }))

const target = (url: string, folder = dataDir) => targetOf(describeDatabaseUrl(url), folder)
const PRODUCTION = 'postgres://app:secret@db.internal/usage'

test.each([
  'postgresql://app:secret@db.internal:5432/usage',
  'postgres://app:another%20secret@db.internal/usage',
  'postgres://migrator@DB.Internal/usage?sslmode=disable&application_name=api',
])('%s is the same database whatever its password, port, host case and options', (url) => {
  expect(target(url)).toBe(target(PRODUCTION))
  expect(target(url)).toBe('PostgreSQL usage at db.internal:5432')
})

test.each([
  'postgres://app:secret@db.internal/Usage',
  'postgres://app:secret@db.internal:5433/usage',
  'postgres://app:secret@db2.internal/usage',
  `${PRODUCTION}?options=${encodeURIComponent('-c search_path=other')}`,
  'sqlite:usage.db',
])('%s is another database', (url) => {
  expect(target(url)).not.toBe(target(PRODUCTION))
  expect(target(url)).not.toContain('secret')
})

test('the names of this machine are one', () => {
  for (const host of ['127.0.0.1', '[::1]']) {
    expect(target(`postgres://${host}/usage`)).toBe(target('postgres://localhost/usage'))
  }
})

test('a file in the data folder stays the same when the folder is moved, linked, or not there yet', () => {
  const name = 'the default SQLite file usage.db in the data folder'
  expect(target(`sqlite:${dataDir}/usage.db`)).toBe(name)
  expect(target(`sqlite:${home}/link/usage.db`)).toBe(name)
  expect(target(`sqlite:${dataDir}/usage.db`, join(home, 'link'))).toBe(name)
  expect(target(`sqlite:${home}/new/usage.db`, join(home, 'new'))).toBe(name)
  expect(target(`sqlite:${home}/link/new/usage.db`, join(dataDir, 'new'))).toBe(name)
  expect(target(`sqlite:${dataDir}/..usage.db`)).toBe('SQLite ..usage.db in the data folder')
  expect(target(`sqlite:${home}/usage.db`)).toBe(`SQLite ${home}/usage.db`)
})

test('a counter file remembers its target, however long, and a damaged one makes it unreadable', async () => {
  const shape = shapeFor(10)
  const instance = '00000000-0000-4000-8000-000000000000'
  for (const name of ['', 'PostgreSQL ü at db:5432', target(`sqlite:/${'ü'.repeat(3000)}`)]) {
    const memory = heapMemory(fileBytes(shape))
    CounterFile.create(memory, { ...shape, bucketMinutes: 60, instance, target: name, units: [] }, 0)
    expect(await CounterFile.read(memory, 0)).toMatchObject({ identity: { target: name } })
    for (const byte of [640, 643, 644 + Buffer.byteLength(name) - 1]) {
      new Uint8Array(memory.buffer)[byte]! ^= 1
      expect(await CounterFile.read(memory, 0)).toBe('its header does not match its checksum')
      new Uint8Array(memory.buffer)[byte]! ^= 1
    }
  }
  const [one, other] = ['a', 'b'].map((end) => target(`sqlite:/${'long/'.repeat(500)}${end}`))
  expect(one).not.toBe(other)
})
