import { makeDatabase } from './databases.ts'

/**
 * Migrates one database of each kind, which TEST_SQLITE_TEMPLATE and TEST_POSTGRES_TEMPLATE name for every process that
 * follows: `makeDatabase` copies them, which takes less time than to migrate anew.
 * @returns what removes them again
 */
export default async function makeTemplates(): Promise<() => Promise<void>> {
  // vitest calls this once for each project that has it
  if (process.env['TEST_SQLITE_TEMPLATE']) return async () => {}
  const [sqlite, postgresql] = [await makeDatabase('sqlite'), await makeDatabase('postgresql')]
  process.env['TEST_SQLITE_TEMPLATE'] = sqlite.url
  process.env['TEST_POSTGRES_TEMPLATE'] = postgresql.url
  return async () => {
    delete process.env['TEST_SQLITE_TEMPLATE']
    delete process.env['TEST_POSTGRES_TEMPLATE']
    await sqlite.remove()
    await postgresql.remove()
  }
}
