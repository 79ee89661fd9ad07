import { createReadStream } from 'node:fs'
import type { KeyObject } from 'node:crypto'
import type { StatementCheck } from '../../model/statement.ts'
import { DocumentCheck } from './document-check.ts'
import { readJsonParts } from '../../json/read-json-parts.ts'
import { cannotRead } from '../../options/read-text-file.ts'

/** Bytes of a piece: an account has less as a rule. */
const PIECE_BYTES = 2 ** 18

/**
 * Checks a statement that was saved as JSON, account by account: it may be larger than memory. Needs no database.
 * @throws WRONG_USAGE when it cannot be read
 */
export async function checkFile(path: string, publicKey?: KeyObject): Promise<StatementCheck> {
  const check = new DocumentCheck(publicKey)
  const fields: [string, unknown][] = []
  try {
    for await (const { name, value, isItem } of readJsonParts(readPieces(path), 'accounts')) {
      if (isItem) check.addAccount(value)
      else fields.push([name, value])
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const finding = `${path} is not JSON, so it is no statement of "statements show --format json".`
    return { intact: false, statements: 0, lines: 0, findings: [finding], notes: [] }
  }
  return check.finish(Object.fromEntries(fields))
}

/** @throws SyntaxError for bytes that are no UTF-8: they would be read as the same sign, whatever they are */
async function* readPieces(path: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decode = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined })
    } catch (error) {
      throw new SyntaxError('This is no UTF-8.', { cause: error })
    }
  }
  const pieces = createReadStream(path, { highWaterMark: PIECE_BYTES })
  try {
    for await (const bytes of pieces as AsyncIterable<Uint8Array>) yield decode(bytes)
  } catch (error) {
    if (error instanceof SyntaxError) throw error
    throw cannotRead(
      path,
      'Pass the number of a statement, or a file of "statements show --format json".',
      error,
    )
  }
  yield decode()
}
