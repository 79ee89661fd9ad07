import { setTimeout as sleep } from 'node:timers/promises'
import { deliverDataDir } from '../../../src/buffer/deliver-data-dir.ts'
import { inspectDataDir } from '../../../src/buffer/folder/inspect-data-dir.ts'
import { listProcessFolders } from '../../../src/buffer/folder/recovery.ts'
import { DatabaseStore } from '../../../src/store/database-store.ts'
import type { Database } from '../../../src/store/database/open-database.ts'
import { verifyUsage } from '../../../src/store/verify/verify-usage.ts'
import { PATIENCE_MS } from '../patience.ts'

/** Delivers what dead processes left in a data folder, from this process. @returns how many requests */
export async function recover(url: string, dataDir: string): Promise<number> {
  const store = new DatabaseStore({ url, pepperCheck: '' })
  const report = (error: Error) => {
    throw error
  }
  try {
    return (await deliverDataDir({ dataDir, store, adopt: false, report })).requests
  } finally {
    await store.close()
  }
}

/** Waits until only so many processes have a folder in the data folder: the dead ones are recovered. */
export async function foldersLeft(dataDir: string, count: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (listProcessFolders(dataDir).length !== count) {
    if (performance.now() > deadline) {
      const names = listProcessFolders(dataDir).join(', ')
      throw new Error(`After ${PATIENCE_MS} ms there are still the folders ${names}, not ${count}.`)
    }
    await sleep(5)
  }
}

/** Requests that wait in the counter files of a data folder. */
export async function countWaiting(dataDir: string): Promise<number> {
  const { waiting } = await inspectDataDir(dataDir)
  return waiting.reduce((sum, { requestCount }) => sum + requestCount, 0)
}

/** Requests in the database, and what is wrong with its accounts or the data folder once all is recovered. */
export async function readAccounts(
  db: Database,
  dataDir: string,
): Promise<{ stored: number; problems: string[] }> {
  const account = await verifyUsage(db)
  const { storedRequests: stored, deliveredRequests, missingRequests, balanced } = account
  const { waiting, setAside, unreadable } = await inspectDataDir(dataDir)
  const problems = [...setAside.map((path) => `set aside: ${path}`), ...unreadable]
  if (!balanced) problems.push(`stored ${stored}, but delivered ${deliveredRequests}`)
  if (missingRequests > 0) problems.push(`${missingRequests} requests are missing`)
  for (const { unit, missing, ...sums } of account.units) {
    if (missing !== 0n) problems.push(`${missing} ${unit} are missing`)
    if (!sums.balanced) problems.push(`stored ${sums.stored} ${unit}, but delivered ${sums.delivered}`)
  }
  for (const { requestCount } of waiting) problems.push(`a batch of ${requestCount} requests still waits`)
  return { stored, problems }
}
