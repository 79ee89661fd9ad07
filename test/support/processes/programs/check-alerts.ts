/** Checks alerts as the command does, and is killed at a moment if there is one. Prints the titles of what fired. */
import { titleOfAlert } from '../../../../src/alerts/describe-alert.ts'
import { runAlertCheck } from '../../../../src/alerts/run-alert-check.ts'
import { openDatabase } from '../../../../src/store/database/open-database.ts'
import { dieAt } from '../die-at.ts'
import type { Moment } from '../die-at.ts'

const { database, webhook, secret, moment } = JSON.parse(process.argv[2]!) as {
  database: string
  webhook: string
  secret: string
  moment?: Moment
}
if (moment) dieAt(moment)
const db = await openDatabase(database)
const { check } = await runAlertCheck(
  db,
  { webhook: [webhook], 'allow-http': false, 'dry-run': false },
  { dataDir: '/nowhere', environment: { APIKEY_ANALYTICS_WEBHOOK_SECRET: secret } },
)
await db.close()
process.stdout.write(JSON.stringify(check.fired.map(titleOfAlert)))
