import { execFileSync } from 'node:child_process'
import { openDatabase } from '../../../src/store/database/open-database.ts'
import { dumpTables, loadTables } from './copy-tables.ts'

/**
 * Copies a PostgreSQL database into an empty, migrated one with `pg_dump` and `psql`, or row by row where the machine
 * has no `pg_dump` that is as new as the server.
 */
export async function dumpInto(from: string, to: string): Promise<void> {
  let dump: Buffer
  try {
    dump = execFileSync('pg_dump', ['--clean', '--if-exists', '--no-owner', `--dbname=${from}`], {
      maxBuffer: 2 ** 30,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch {
    const [source, target] = [await openDatabase(from), await openDatabase(to)]
    await loadTables(target, await dumpTables(source))
    await Promise.all([source.close(), target.close()])
    return
  }
  execFileSync('psql', ['--quiet', '--set=ON_ERROR_STOP=1', `--dbname=${to}`], {
    input: dump,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
}
