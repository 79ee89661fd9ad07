/** Delivers the batches that are set aside in a data folder, and is killed at a moment. */
import { deliverSetAside } from '../../../../src/buffer/set-aside/deliver-set-aside.ts'
import { openStore } from '../../../../src/store/open-store.ts'
import { dieAt } from '../die-at.ts'
import type { Moment } from '../die-at.ts'

const { database, dataDir, moment } = JSON.parse(process.argv[2]!) as {
  database: string
  dataDir: string
  moment: Moment
}
dieAt(moment)
const report = (error: Error) => {
  throw error
}
await deliverSetAside({ dataDir, store: openStore({ url: database, pepperCheck: '' }), adopt: false, report })
