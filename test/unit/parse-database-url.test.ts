import { resolve } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { describeDatabaseUrl, parseDatabaseUrl } from '../../src/options/parse-database-url.ts'

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

beforeEach(() => {
  for (const name of ['PGHOST', 'PGPORT', 'PGDATABASE', 'PGUSER']) vi.stubEnv(name, undefined)
  return () => vi.unstubAllEnvs()
})

test.each([
  ['postgres://me:secret@db.internal/usage', 'PostgreSQL usage at db.internal:5432'],
  ['postgresql://db.internal:6432/usage?sslmode=verify-full', 'PostgreSQL usage at db.internal:6432'],
  ['postgres:///usage?host=/var/run/postgresql', 'PostgreSQL usage at /var/run/postgresql'],
  ['postgres://me:secret@/usage?host=/cloudsql/a:b:c', 'PostgreSQL usage at /cloudsql/a:b:c'],
  ['postgres://me:secret@%2Fvar%2Frun/usage', 'PostgreSQL usage at /var/run'],
  ['postgres://me:secret@%2Fvar%2Frun:5433/usage', 'PostgreSQL usage at /var/run:5433'],
  ['socket://me:secret@/var/run?db=usage', 'PostgreSQL usage at /var/run'],
  ['postgres://me:secret@first:1/usage?host=second&port=2', 'PostgreSQL usage at second:2'],
  ['postgres://me:secret@[::1]:5433/my%20usage', 'PostgreSQL my usage at [::1]:5433'],
  ['postgres://me:secret@h/usage?user=me@tenant', 'PostgreSQL usage at h:5432'],
  ['postgres://me:secret@db.internal', 'PostgreSQL me at db.internal:5432'],
  ['postgres://me:secret%@db.internal/usage', 'PostgreSQL usage at db.internal:5432'],
])('names %s without user and password', (url, description) => {
  expect(parseDatabaseUrl(url)).toEqual({ kind: 'postgresql', url })
  expect(describeDatabaseUrl(url)).toBe(description)
})

test('takes what a URL leaves out from the variables that the driver takes it from', () => {
  vi.stubEnv('PGHOST', '/var/run')
  vi.stubEnv('PGPORT', '5433')
  vi.stubEnv('PGDATABASE', 'usage')
  expect(describeDatabaseUrl('postgres://')).toBe('PostgreSQL usage at /var/run:5433')
  expect(describeDatabaseUrl('postgres://me:secret@db:1/other')).toBe('PostgreSQL other at db:1')
})

test.each(['prefer', 'require', 'verify-ca'])(
  'says sslmode=%s as the driver means it, unless libpq is meant',
  (mode) => {
    const url = `postgres://me:secret@db/usage?sslmode=${mode}`
    expect(parseDatabaseUrl(`${url}&application_name=api`)).toMatchObject({
      url: 'postgres://me:secret@db/usage?sslmode=verify-full&application_name=api',
    })
    const libpq = `${url}&uselibpqcompat=true`
    expect(parseDatabaseUrl(libpq)).toMatchObject({ url: libpq })
  },
)

test.each([
  ['postgres://me:sec/ret@db.internal/usage', /%2F/],
  ['postgres://me:12/secret@db.internal/usage', /%2F/],
  ['postgres://me:12#secret@db.internal/usage', /%23/],
  ['postgres://me:12?secret@db.internal/usage', /%40/],
  ['postgres://me:12/3/secret@db.internal/usage', /%2F/],
  ['postgres://me:secret@first,second/usage', /several hosts/],
  ['postgres://me:secret@first:1,second:2/usage', /several hosts/],
  ['postgres://me:secret@/usage?host=first,second', /several hosts/],
])('says what is wrong with %s', (url, why) => {
  expect(() => describeDatabaseUrl(url)).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(why) }),
  )
  expect(() => describeDatabaseUrl(url)).not.toThrow(/secret/)
})

test.each([
  'sqlite:',
  'sqlite:data/',
  'sqlite::memory:',
  'postgres://me:secret@db.internal:99999/usage',
  'postgres://me:secret%c3%28@db.internal/usage',
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
