/**
 * Closes each day whose label it reads, as the command `close` does, and writes the outcome as a line of JSON. Connects
 * first, so that a test can interrupt or kill it in the middle of a closing. Its argument is the URL of the database.
 */
import { createInterface } from 'node:readline'
import { runClose } from '../../../../src/billing/close/run-close.ts'
import { withInterruption } from '../../../../src/cli/interruption.ts'
import { AnalyticsError } from '../../../../src/model/errors.ts'
import type { ClosedStatement } from '../../../../src/model/closing.ts'
import { openDatabase } from '../../../../src/store/database/open-database.ts'

const db = await openDatabase(process.argv[2]!)
const say = (outcome: object) => process.stdout.write(`${JSON.stringify(outcome)}\n`)
say({ ready: true })
for await (const day of createInterface(process.stdin)) {
  try {
    const flags = { day, tz: 'UTC', billable: ['2xx'], 'dry-run': false }
    // counts wait in the folders of other machines, not on the one that closes
    const { result } = await withInterruption((signal) => runClose(db, '/nowhere', flags, signal))
    say({ hash: (result as ClosedStatement).hash })
  } catch (error) {
    if (!(error instanceof AnalyticsError)) throw error
    say({ code: error.code, message: error.message })
  }
}
await db.close()
