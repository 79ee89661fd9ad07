/**
 * Leaves the counter files of a killed process in the folder named on the command line. The `.counts.gz` below
 * `version-1` and `version-2` are what it left with the code of revisions 41761ab and ff510a6, the last ones that wrote
 * these versions, each through `gzip -9n`: files 1 and 2 of `waiting`, and file 1 of `delivered` as `free.counts.gz`.
 */
import { join } from 'node:path'
import { startCounting, type CountingProcess } from '../counting-process.ts'
import { keepingStore } from '../keeping-store.ts'
import { HOUR, keyIdOf } from '../make-batch.ts'
import { toCountedKey, toCountedOperation } from '../../../src/request-counter.ts'

const HOUR_MS = 3_600_000
const home = process.argv[2]!
let now = HOUR

const start = (name: string) =>
  startCounting({ dataDir: join(home, name), store: keepingStore(), now: () => now })

/** Request `turn` of the 60 that each batch counts, in 20 cells of 4 keys. */
function countOne({ buffer }: CountingProcess, turn: number): void {
  const cell = turn % 20
  const label = `kéy ${cell % 4}`
  const owner = cell % 4 === 3 ? null : 'ACME "GmbH" 😀'
  const key = { id: keyIdOf(label), label, name: null, owner }
  const status = cell < 15 ? 200 : 404
  const operation = toCountedOperation(cell % 2 === 0 ? 'GET' : 'POST', `/things/${cell}/:id`)
  buffer.count(toCountedKey(key), operation, status, turn * 1000)
}

function countBatch(counting: CountingProcess): void {
  for (let turn = 0; turn < 60; turn += 1) countOne(counting, turn)
}

/** A sealed batch and one behind it; in the next hour they have to stay behind, and a second file begins. */
function countTwoHours(counting: CountingProcess): void {
  countBatch(counting)
  counting.buffer.seal()
  countBatch(counting)
  now = HOUR + HOUR_MS
  countBatch(counting)
  counting.buffer.seal()
  countOne(counting, 7)
}

const waiting = start('waiting')
countTwoHours(waiting)
now = HOUR
const delivered = start('delivered')
countTwoHours(delivered)
await delivered.flush()
process.kill(process.pid, 'SIGKILL')
