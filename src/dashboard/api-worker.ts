import { parentPort, workerData } from 'node:worker_threads'
import { keepOpen } from '../store/database/keep-open.ts'
import { setNetworkDefaults } from '../store/database/postgresql/network-defaults.ts'
import type { Answer } from '../store/thread/worker-thread.ts'
import { packError } from '../store/thread/sent-error.ts'
import { answerApi, openApiFile, refuse } from './api.ts'
import type { ApiWorkerStart, SentFile, ToApiWorker } from './api-messages.ts'
import { OpenFiles } from './open-files.ts'

const { database, dataDir, network } = workerData as ApiWorkerStart
setNetworkDefaults(network)
const port = parentPort!
const open = keepOpen(database)

const files = new OpenFiles()

port.on('message', async ({ call, ...asked }: { call: number } & ToApiWorker) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
  const send = (answer: Answer) => port.postMessage(answer)
  try {
    send({ call, result: await answer(asked) })
  } catch (error) {
    // only a file that is being sent: it breaks off
    send({ call, error: packError(error) })
  }
})

async function answer(asked: ToApiWorker): Promise<unknown> {
  if ('request' in asked) return answerApi(open, asked.request, dataDir)
  if ('read' in asked) return files.read(asked.read)
  if ('close' in asked) return files.close(asked.close)
  const file = await openApiFile(open, asked.open)
  if (!('pieces' in file)) return file
  const { name, type, pieces } = file
  const id = files.add(pieces)
  return id === undefined
    ? refuse(503, 'BUSY', 'Several files are being downloaded. Try again when one of them is complete.')
    : ({ id, name, type } satisfies SentFile)
}
