import { administer } from './administer.ts'
import { makeDatabase } from './databases.ts'

/**
 * Migrates one database of each kind, which TEST_SQLITE_TEMPLATE and TEST_POSTGRES_TEMPLATE (as an option of `create
 * database`) name for every process that follows: `makeDatabase` copies them, which takes less time than to migrate.
 * @returns what removes them again
 */
export default async function makeTemplates(): Promise<() => Promise<void>> {
  // vitest calls this once for each project that has it
  if (process.env['TEST_SQLITE_TEMPLATE']) return async () => {}
  const [sqlite, postgresql] = [await makeDatabase('sqlite'), await makeDatabase('postgresql')]
  process.env['TEST_SQLITE_TEMPLATE'] = sqlite.url
  process.env['TEST_POSTGRES_TEMPLATE'] =
    `template ${new URL(postgresql.url).pathname.slice(1)}${await copiesFiles(postgresql.url)}`
  return async () => {
    delete process.env['TEST_SQLITE_TEMPLATE']
    delete process.env['TEST_POSTGRES_TEMPLATE']
    await sqlite.remove()
    await postgresql.remove()
  }
}

/** The default of PostgreSQL 15 and later also writes the copy to the log, which takes twice as long. */
async function copiesFiles(url: string): Promise<string> {
  const [version] = await administer<{ number: string }>(
    url,
    "select current_setting('server_version_num') as number",
  )
  return Number(version!.number) < 150_000 ? '' : ' strategy file_copy'
}
