import { parentPort, workerData } from 'node:worker_threads'
import type { CustomerQuestion } from '../model/customer-usage.ts'
import { keepOpen } from '../store/database/keep-open.ts'
import { setNetworkDefaults } from '../store/database/postgresql/network-defaults.ts'
import { packError } from '../store/thread/sent-error.ts'
import type { Answer } from '../store/thread/worker-thread.ts'
import { createAnswerQuestion } from './answer-question.ts'
import type { UsageWorkerStart } from './usage-thread.ts'

/** A customer gives up before; the server should stop working for it too. */
const STATEMENT_TIMEOUT_MS = 30_000

const { url, network } = workerData as UsageWorkerStart
setNetworkDefaults(network)
const port = parentPort!
const answerQuestion = createAnswerQuestion(
  keepOpen(url, { maxConnections: 2, statementTimeoutMs: STATEMENT_TIMEOUT_MS }),
)

port.on('message', async ({ call, question }: { call: number; question: CustomerQuestion }) => {
  post(
    await answerQuestion(question).then(
      (result): Answer => ({ call, result }),
      (error: unknown): Answer => ({ call, error: packError(error) }),
    ),
  )
})

function post(answer: Answer): void {
  port.postMessage(answer, [])
}
