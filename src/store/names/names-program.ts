import { text } from 'node:stream/consumers'
import { openDatabase } from '../database/open-database.ts'
import { findNames } from './find-names.ts'
import type { NameQuestion } from './find-names.ts'
import { NAMES_LIMIT_MS } from './names-limit.ts'

/** A process of its own: it is killed when it takes too long, whatever it waits for. */
const { database, ...question } = JSON.parse(await text(process.stdin)) as NameQuestion & {
  readonly database: string
}
const db = await openDatabase(database, { maxConnections: 1, lockWaitMs: NAMES_LIMIT_MS })
const names = await db.transaction(async (tx) => {
  // the server goes on with a statement whose client was killed
  if (db.dialect.kind === 'postgresql') await tx.query(`set local statement_timeout = ${NAMES_LIMIT_MS}`)
  return findNames(tx.query, question)
}, 'snapshot')
process.stdout.write(JSON.stringify(names))
await db.close()
