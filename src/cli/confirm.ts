import { createInterface } from 'node:readline/promises'
import { AnalyticsError } from '../model/errors.ts'
import { escapeTerminal } from '../terminal/escape-terminal.ts'

/**
 * Asks before something is lost; only a clear yes is one. Without a terminal there is nobody to ask.
 * @throws WRONG_USAGE without a terminal and without `--yes`
 */
export async function confirm(question: string, yes: boolean): Promise<boolean> {
  if (yes) return true
  if (!process.stdin.isTTY) {
    throw new AnalyticsError('WRONG_USAGE', 'There is no terminal to ask on. Pass --yes to go ahead.')
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-C and the end of input are a no.
  const closed = new Promise<undefined>((resolve) => terminal.once('close', () => resolve(undefined)))
  const answer = await Promise.race([terminal.question(`${escapeTerminal(question)} [y/N] `), closed])
  if (answer === undefined) process.stderr.write('\n')
  terminal.close()
  return /^y(es)?$/i.test(answer?.trim() ?? '')
}
