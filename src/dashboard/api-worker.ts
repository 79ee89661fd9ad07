import { parentPort, workerData } from 'node:worker_threads'
import type { DatabaseLocation } from '../options/database-location.ts'
import { openDatabase } from '../store/database/open-database.ts'
import type { Database } from '../store/database/open-database.ts'
import { requireSchema } from '../store/database/require-schema.ts'
import type { Answer } from '../store/thread/worker-thread.ts'
import { answerApi } from './api.ts'
import type { ApiRequest } from './api.ts'

const { database, dataDir } = workerData as DatabaseLocation
const port = parentPort!
let opened: Promise<Database> | undefined

port.on('message', async ({ call, request }: { call: number; request: ApiRequest }) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
  port.postMessage({ call, result: await answerApi(open, request, dataDir) } satisfies Answer)
})

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
