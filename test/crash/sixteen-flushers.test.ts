import { expect, test } from 'vitest'
import { makeDatabase } from '../support/databases/databases.ts'
import { flushTogether } from '../support/crash/flush-together.ts'

// Several machines share a PostgreSQL, never an SQLite file: ten processes on one of those are in record-batch.test.ts.
test('sixteen processes flush the same 1000 cells at once: nothing is lost or counted twice, and none deadlocks', async () => {
  const database = await makeDatabase('postgresql')
  const together = await flushTogether(database.url, { processes: 16, flushes: 5, cells: 1000 })
  expect(together).toMatchObject({ exact: true, retries: 0 })
  await database.remove()
})
