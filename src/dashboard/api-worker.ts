import { parentPort, workerData } from 'node:worker_threads'
import type { DatabaseLocation } from '../options/database-location.ts'
import { openDatabase } from '../store/database/open-database.ts'
import type { Database } from '../store/database/open-database.ts'
import { requireSchema } from '../store/database/require-schema.ts'
import type { Answer } from '../store/thread/worker-thread.ts'
import { packError } from '../store/thread/sent-error.ts'
import { answerApi, openApiFile, refuse } from './api.ts'
import type { SentFile, ToApiWorker } from './api-messages.ts'
import { OpenFiles } from './open-files.ts'

const { database, dataDir } = workerData as DatabaseLocation
const port = parentPort!
let opened: Promise<Database> | undefined

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

/** Opens the database once. Opens it again after a failure, and when its file was replaced. */
async function open(): Promise<Database> {
  opened ??= openMigrated()
  try {
    const db = await opened
    if (db.isCurrent()) return db
    opened = undefined
    await db.close()
  } catch (error) {
    opened = undefined
    throw error
  }
  return open()
}

async function openMigrated(): Promise<Database> {
  const db = await openDatabase(database)
  try {
    await requireSchema(db)
    return db
  } catch (error) {
    await db.close()
    throw error
  }
}
