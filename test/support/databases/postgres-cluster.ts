import { startCluster } from './start-cluster.ts'

/**
 * Makes sure that there is a PostgreSQL for the tests, named by TEST_DATABASE_URL for every process that follows:
 * the one named there already, else a new cluster. Vitest calls it before the first test; a script may do the same.
 * @returns what ends it again
 */
export default async function startSharedCluster(): Promise<() => Promise<void>> {
  // vitest calls this once for each of its projects
  if (process.env['TEST_DATABASE_URL']) return async () => {}
  const cluster = await startCluster()
  process.env['TEST_DATABASE_URL'] = cluster.url
  return async () => {
    delete process.env['TEST_DATABASE_URL']
    await cluster.remove()
  }
}
