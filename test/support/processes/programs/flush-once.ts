/**
 * Flushes one batch of one request for the key `shared`, at most three times, the first time with a short limit for its
 * silence; arguments: URL, instance, that limit.
 */
import { AnalyticsError } from '../../../../src/model/errors.ts'
import { openStore } from '../../../../src/store/open-store.ts'
import { makeBatch } from '../../usage/make-batch.ts'

const [url, instance, longestSilenceMs] = process.argv.slice(2) as [string, string, string]
const store = openStore({ url, pepperCheck: '' })
const limits = { longestSilenceMs: Number(longestSilenceMs) }
const impatient = openStore({ url, pepperCheck: '', limits })
const batch = makeBatch({ instance, rows: [{ key: 'shared' }] })
const errors: string[] = []
let result: string | undefined
while (result === undefined && errors.length < 3) {
  try {
    result = await (errors.length === 0 ? impatient : store).recordBatch(batch)
  } catch (error) {
    if (!(error instanceof AnalyticsError)) throw error
    errors.push(`${error.code}: ${error.message}`)
  }
}
await impatient.close()
await store.close()
process.stdout.write(JSON.stringify({ result, errors }))
