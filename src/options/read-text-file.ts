import { readFile } from 'node:fs/promises'
import { AnalyticsError } from '../model/errors.ts'

/** Reads a file that a person named. @throws WRONG_USAGE with the remedy; the content is in no message */
export async function readTextFile(path: string, remedy: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw cannotRead(path, remedy, error)
  }
}

/** The error for a file that cannot be read. */
export function cannotRead(path: string, remedy: string, error: unknown): AnalyticsError {
  const { code } = error as NodeJS.ErrnoException
  return new AnalyticsError('WRONG_USAGE', `Cannot read ${path} (${code}). ${remedy}`, { cause: error })
}
