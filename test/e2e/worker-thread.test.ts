import { expect, test } from 'vitest'
import { WorkerThread } from '../../src/store/thread/worker-thread.ts'

test('the end of a terminated thread rejects its own calls, and none of the next thread', async () => {
  const thread = new WorkerThread({
    program: new URL('../support/processes/programs/answer-or-hang', import.meta.url),
    workerData: () => undefined,
    holdsProcess: true,
    describeEnd: () => new Error('the thread has ended'),
  })
  const hanging = thread.call({ hang: true })
  const terminated = thread.terminate()
  const answered = thread.call({ hang: false })
  const results = await Promise.allSettled([hanging, answered])
  expect(results).toEqual([
    { status: 'rejected', reason: new Error('the thread has ended') },
    { status: 'fulfilled', value: 'answered' },
  ])
  await terminated
  await thread.terminate()
})
