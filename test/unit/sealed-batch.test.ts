import { afterEach, expect, test, vi } from 'vitest'
import { CounterBuffer } from '../../src/buffer/counter-buffer.ts'
import { MemoryFiles } from '../../src/buffer/memory-files.ts'
import { toCountedKey, toCountedOperation } from '../../src/model/request-counter.ts'
import { identify } from '../support/usage/counting-process.ts'

const CELLS = 2500

afterEach(() => vi.restoreAllMocks())

/** The second batch of an app, which has counts in the last of its many cells only. */
async function makeSparseBatch() {
  const files = new MemoryFiles({ bucketMinutes: 60, units: [] })
  const limits = { maxKeys: 10, maxEndpointsPerKey: CELLS }
  const buffer = new CounterBuffer({ files, bucketMinutes: 60, ...limits, now: () => 0, onRotate() {} })
  const key = toCountedKey(identify('a'))
  const count = (cell: number) =>
    buffer.count(key, toCountedOperation('GET', `/${String(cell).padStart(4, '0')}`), 200, 1)
  for (let cell = 0; cell < CELLS; cell += 1) count(cell)
  buffer.seal()
  const [file] = buffer.files()
  const [first] = file!.sealedBatches()
  expect((await Array.fromAsync(first!.rows())).flat()).toHaveLength(CELLS)
  file!.markDelivered(first!)
  count(CELLS - 1)
  buffer.seal()
  return file!.sealedBatches()[0]!
}

test.each(['keys', 'rows'] as const)(
  'other work has its turn while the %s of a batch are read whose cells have few counts',
  async (part) => {
    const batch = await makeSparseBatch()
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 1))
    let turns = 0
    let isOver = false
    const takeTurn = () => {
      turns += 1
      if (!isOver) setImmediate(takeTurn)
    }
    setImmediate(takeTurn)
    const chunks: AsyncGenerator<readonly unknown[]> = batch[part]()
    expect((await Array.fromAsync(chunks)).flat()).toHaveLength(1)
    isOver = true
    expect(turns).toBeGreaterThan(10)
  },
)
