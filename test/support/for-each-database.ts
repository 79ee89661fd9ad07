import { afterAll, describe } from 'vitest'
import { DATABASE_KINDS, makeDatabase } from './databases.ts'
import type { DatabaseKind, TestDatabase } from './databases.ts'

/** Makes a new database and gives its URL; all are removed after the last test of the group. */
export type MakeUrl = (options?: { migrated?: boolean }) => Promise<string>

/** Defines the same tests for SQLite and for PostgreSQL. */
export function forEachDatabase(name: string, define: (kind: DatabaseKind, makeUrl: MakeUrl) => void): void {
  describe.each(DATABASE_KINDS)(`${name} (%s)`, (kind) => {
    const made: TestDatabase[] = []
    afterAll(async () => {
      for (const database of made) await database.remove()
    })
    define(kind, async (options) => {
      const database = await makeDatabase(kind, options)
      made.push(database)
      return database.url
    })
  })
}
