/** Ends once a server has ended a session; arguments: URL of the server, process id of the session. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

const [url, pid] = process.argv.slice(2)
const client = new pg.Client({ connectionString: url })
await client.connect()
while ((await client.query('select from pg_stat_activity where pid = $1', [pid])).rowCount !== 0)
  await sleep(10)
await client.end()
