import { afterAll, describe } from 'vitest'
import { DATABASE_KINDS, makeDatabase } from './databases.ts'
import type { DatabaseKind, TestDatabase } from './databases.ts'

/** Makes a new database and gives its URL; all are removed after the last test of the group. */
export type MakeUrl = (options?: { migrated?: boolean }) => Promise<string>

/** Citus is PostgreSQL to every test. It cannot be installed by npm, so it takes part where there is one. */
const CITUS = process.env['TEST_CITUS_URL'] ? (['citus'] as const) : []

/**
 * Tests of what does not depend on the database, among those of each: what a page makes of an answer, and what is
 * readable. They run once, on SQLite.
 */
export function forAnyDatabase(kind: DatabaseKind, define: () => void): void {
  describe.each(kind === 'sqlite' ? ['whatever the database'] : [])('%s', () => {
    define()
  })
}

/** Defines the same tests for SQLite, for PostgreSQL, and for Citus when TEST_CITUS_URL names a coordinator. */
export function forEachDatabase(name: string, define: (kind: DatabaseKind, makeUrl: MakeUrl) => void): void {
  describe.each([...DATABASE_KINDS, ...CITUS])(`${name} (%s)`, (kind) => {
    const made: TestDatabase[] = []
    afterAll(async () => {
      for (const database of made) await database.remove()
    })
    define(kind === 'citus' ? 'postgresql' : kind, async (options) => {
      const database = await makeDatabase(kind, options)
      made.push(database)
      return database.url
    })
  })
}
