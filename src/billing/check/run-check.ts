import { existsSync } from 'node:fs'
import type { StatementCheck } from '../../model/statement.ts'
import { keepYoungSpaceSmall } from '../../store/read/keep-young-space-small.ts'
import type { Database } from '../../store/database/open-database.ts'
import { readTextFile } from '../../options/read-text-file.ts'
import { checkFile } from './check-file.ts'
import { readPublicKey } from '../statement/sign-statement.ts'

/** Whether a text names a file and not a statement of the database: `7`, `2026-10`, `2026-W40`, `2026-10-05`. */
export function isFile(which: string | undefined): which is string {
  if (which === undefined) return false
  return !/^\d+$|^\d{4}-(\d{2}|W\d{2}|\d{2}-\d{2})$/.test(which) || existsSync(which)
}

/** Checks a file, or with a database its statements, as the command says. @throws WRONG_USAGE */
export async function runCheck(
  db: Database | undefined,
  {
    which,
    publicKey: path,
  }: { readonly which?: string | undefined; readonly publicKey?: string | undefined },
): Promise<StatementCheck> {
  const publicKey =
    path === undefined ? undefined : readPublicKey(await readTextFile(path, 'Check --public-key.'))
  if (!db) return checkFile(which!, publicKey)
  keepYoungSpaceSmall()
  // imported only now: a customer who checks a file needs no database
  const { checkStored } = await import('./check-stored.ts')
  return checkStored(db, { which, publicKey })
}
