import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { describeDatabaseUrl, parseDatabaseUrl } from '../../src/store/parse-database-url.ts'

test.each([
  ['sqlite:usage.db', resolve('usage.db')],
  ['sqlite:/data/usage.db', '/data/usage.db'],
  ['sqlite:///data/usage.db', '/data/usage.db'],
  ['sqlite://usage.db', resolve('usage.db')],
  ['sqlite:/with space/ü.db', '/with space/ü.db'],
])('reads %s as a file', (url, path) => {
  expect(parseDatabaseUrl(url)).toEqual({ kind: 'sqlite', path })
  expect(describeDatabaseUrl(url)).toBe(`SQLite ${path}`)
})

test.each([
  ['postgres://me:secret@db.internal/usage', 'PostgreSQL usage at db.internal:5432'],
  ['postgresql://db.internal:6432/usage?sslmode=require', 'PostgreSQL usage at db.internal:6432'],
  ['postgres:///usage?host=/var/run/postgresql', 'PostgreSQL usage at /var/run/postgresql'],
  ['postgres://me:secret@[::1]:5433/my%20usage', 'PostgreSQL my usage at [::1]:5433'],
])('names %s without user and password', (url, description) => {
  expect(parseDatabaseUrl(url)).toEqual({ kind: 'postgresql', url })
  expect(describeDatabaseUrl(url)).toBe(description)
})

test.each([
  'sqlite:',
  'sqlite:data/',
  'sqlite::memory:',
  'postgres://me:secret@db.internal',
  'postgres://me:secret@db internal/usage',
  'postgres://me:secret%@db.internal/usage',
  'postgres:secret',
  'mysql://me:secret@db/usage',
  '/data/secret.db',
  '',
])('refuses "%s" with the right forms and without repeating it', (url) => {
  for (const read of [parseDatabaseUrl, describeDatabaseUrl]) {
    expect(() => read(url)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining('sqlite:<path>') }),
    )
    expect(() => read(url)).not.toThrow(/secret/)
  }
})
