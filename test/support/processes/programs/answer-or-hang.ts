import { parentPort } from 'node:worker_threads'

/** A thread that answers a call, unless it is told to hang. */
parentPort?.on('message', ({ call, hang }: { call: number; hang: boolean }) => {
  const answer = { call, result: 'answered' }
  if (!hang) parentPort?.postMessage(answer, [])
})
