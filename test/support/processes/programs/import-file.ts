/** Imports a file, or removes an import, and is killed at a moment if there is one. */
import { Readable } from 'node:stream'
import { runImport } from '../../../../src/imports/run-import.ts'
import { openDatabase } from '../../../../src/store/database/open-database.ts'
import { removeImport } from '../../../../src/store/imports/remove-import.ts'
import { dieAt } from '../die-at.ts'
import type { Moment } from '../die-at.ts'

const { database, path, remove, moment } = JSON.parse(process.argv[2]!) as {
  database: string
  path: string
  remove?: number
  moment?: Moment
}
if (moment) dieAt(moment)
const db = await openDatabase(database)
if (remove === undefined) {
  const bar = { isShown: false, update() {}, stop() {} }
  const flags = { overlap: false, 'dry-run': false }
  await runImport(db, flags, { path, stdin: Readable.from([]), pepper: undefined, bar })
} else await removeImport(db, remove)
await db.close()
