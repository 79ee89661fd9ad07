/** Connects, says so, and when told recovers a data folder and prints how many requests that brought. */
import { once } from 'node:events'
import { deliverDataDir } from '../../../../src/buffer/deliver-data-dir.ts'
import { openStore } from '../../../../src/store/open-store.ts'
import type { RecovererOptions } from '../../crash/counter-child.ts'
import { dieAt } from '../die-at.ts'

const { database, dataDir, moment } = JSON.parse(process.argv[2]!) as RecovererOptions
if (moment) dieAt(moment)
const report = (error: Error) => {
  throw error
}
const store = openStore({ url: database, pepperCheck: '' })
await store.connect()
process.stdout.write('connected\n')
await once(process.stdin, 'data')
process.stdin.destroy()
const { requests } = await deliverDataDir({ dataDir, store, adopt: false, report })
await store.close()
process.stdout.write(`${requests}\n`)
