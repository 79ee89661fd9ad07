import { parentPort, workerData } from 'node:worker_threads'
import type { KeyIdentity } from '../../model/key.ts'
import { DatabaseStore } from '../database-store.ts'
import { setNetworkDefaults } from '../database/postgresql/network-defaults.ts'
import { unpackRows } from './pack-rows.ts'
import type { PackedRows } from './pack-rows.ts'
import { packError } from './sent-error.ts'
import type { ToWorker, WorkerStart } from './worker-messages.ts'
import type { Answer } from './worker-thread.ts'

/**
 * The thread that writes to the database. It runs one call at a time, and a batch only after it has arrived completely.
 */
const { options, databaseId, network } = workerData as WorkerStart
setNetworkDefaults(network)
const store = new DatabaseStore(options, databaseId)
const parts = new Map<number, { keys: (readonly KeyIdentity[])[]; rows: PackedRows[] }>()
let previous: Promise<void> = Promise.resolve()

parentPort!.on('message', (message: ToWorker) => {
  if (!('run' in message)) keepPart(message)
  else if (message.run === 'forget') parts.delete(message.call)
  else previous = previous.then(() => answerCall(message))
})

function keepPart(message: Exclude<ToWorker, { run: string }>): void {
  const kept = parts.get(message.call) ?? { keys: [], rows: [] }
  parts.set(message.call, kept)
  if ('keys' in message) kept.keys.push(message.keys)
  else kept.rows.push(message.rows)
}

async function answerCall(message: Extract<ToWorker, { run: string }>): Promise<void> {
  try {
    post({ call: message.call, result: await run(message) })
  } catch (error) {
    post({ call: message.call, error: packError(error) })
  }
}

function run(message: Extract<ToWorker, { run: string }>): Promise<unknown> {
  if (message.run === 'findKnownKeys') return store.findKnownKeys(message.limit)
  if (message.run === 'findQuotas') return store.findQuotas(message.limit, message.now)
  if (message.run === 'registerRoutes') return store.registerRoutes(message.registration)
  if (message.run === 'findDeprecations') return store.findDeprecations(message.limit)
  if (message.run !== 'recordBatch') return message.run === 'connect' ? store.connect() : store.close()
  const { keys = [], rows = [] } = parts.get(message.call) ?? {}
  parts.delete(message.call)
  return store.recordBatch({
    ...message.head,
    keys: () => replay(keys, (chunk) => chunk),
    rows: () => replay(rows, unpackRows),
  })
}

async function* replay<Chunk, Content>(
  chunks: readonly Chunk[],
  read: (chunk: Chunk) => Content,
): AsyncGenerator<Content> {
  for (const chunk of chunks) yield read(chunk)
}

function post(message: Answer): void {
  parentPort!.postMessage(message, [])
}
