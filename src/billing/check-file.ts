import { readFile } from 'node:fs/promises'
import type { KeyObject } from 'node:crypto'
import { AnalyticsError } from '../model/errors.ts'
import type { StatementCheck } from '../model/statement.ts'
import { checkDocument } from './check-document.ts'

/** Checks a statement that was saved as JSON. Needs no database. @throws WRONG_USAGE when it cannot be read */
export async function checkFile(path: string, publicKey?: KeyObject): Promise<StatementCheck> {
  const text = await readText(
    path,
    'Pass the number of a statement, or a file of "statements show --format json".',
  )
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    const finding = `${path} is not JSON, so it is no statement of "statements show --format json".`
    return { intact: false, statements: 0, lines: 0, findings: [finding], notes: [] }
  }
  return checkDocument(value, publicKey)
}

/** Reads a file that a person named. @throws WRONG_USAGE with the remedy; the content is in no message */
export async function readText(path: string, remedy: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new AnalyticsError('WRONG_USAGE', `Cannot read ${path} (${code}). ${remedy}`, { cause: error })
  }
}
