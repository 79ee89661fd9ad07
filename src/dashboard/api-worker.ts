import { parentPort, workerData } from 'node:worker_threads'
import type { DatabaseLocation } from '../options/database-location.ts'
import { keepOpen } from '../store/database/keep-open.ts'
import type { Answer } from '../store/thread/worker-thread.ts'
import { answerApi } from './api.ts'
import type { ApiRequest } from './api.ts'

const { database, dataDir } = workerData as DatabaseLocation
const port = parentPort!
const open = keepOpen(database)

port.on('message', async ({ call, request }: { call: number; request: ApiRequest }) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
  port.postMessage({ call, result: await answerApi(open, request, dataDir) } satisfies Answer)
})
