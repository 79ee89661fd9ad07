/**
 * Links and unlinks keys at random, and takes refusals for an answer; arguments: URL, number of steps, seed, ids of keys.
 * Prints how many links it made.
 */
import { AnalyticsError } from '../../../../src/model/errors.ts'
import { openDatabase } from '../../../../src/store/database/open-database.ts'
import { linkKey, unlinkKey } from '../../../../src/store/keys/link-keys.ts'
import { seededRandom } from '../../random.ts'

const [url, steps, seed, ...ids] = process.argv.slice(2) as [string, string, string, ...string[]]
const random = seededRandom(Number(seed))
const anyId = () => ids[Math.floor(random() * ids.length)]!
const db = await openDatabase(url)
let links = 0
for (let step = 0; step < Number(steps); step++) {
  try {
    if (random() < 0.3) await unlinkKey(db, anyId())
    else if (await linkKey(db, anyId(), { continues: anyId() })) links += 1
  } catch (error) {
    if (!(error instanceof AnalyticsError) || error.code !== 'ARGUMENT_INVALID') throw error
  }
}
await db.close()
process.stdout.write(String(links))
