import { afterAll, describe } from 'vitest'
import { makeDatabase } from './databases.ts'
import type { DatabaseKind, TestDatabase } from './databases.ts'
import type { MakeUrl } from './for-each-database.ts'

/** A way to move, with makers of databases of both kinds. */
export interface Way {
  readonly from: DatabaseKind
  readonly to: DatabaseKind
  readonly makeSource: MakeUrl
  readonly makeTarget: MakeUrl
}

const WAYS = [
  ['sqlite', 'postgresql'],
  ['postgresql', 'sqlite'],
  ['postgresql', 'postgresql'],
  ['sqlite', 'sqlite'],
] as const

/** Defines the same tests for a move from each kind of database to each, or only to the other kind. */
export function forEachMove(
  name: string,
  define: (way: Way) => void,
  { toOther = false }: { toOther?: boolean } = {},
): void {
  describe.each(WAYS.filter(([from, to]) => !toOther || from !== to))(`${name} (%s to %s)`, (from, to) => {
    const made: TestDatabase[] = []
    afterAll(async () => {
      for (const database of made) await database.remove()
    })
    const makeUrl =
      (kind: DatabaseKind): MakeUrl =>
      async (options) => {
        const database = await makeDatabase(kind, options)
        made.push(database)
        return database.url
      }
    define({ from, to, makeSource: makeUrl(from), makeTarget: makeUrl(to) })
  })
}
