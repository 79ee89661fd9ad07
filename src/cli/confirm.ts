import { createInterface } from 'node:readline/promises'
import { AnalyticsError } from '../model/errors.ts'
import { escapeTerminal } from '../terminal/escape-terminal.ts'

/**
 * Asks before data is deleted or changed for good; only an explicit yes counts. Without a terminal nobody can answer.
 * @throws WRONG_USAGE without a terminal and without `--yes`
 */
export async function confirm(question: string, yes: boolean): Promise<boolean> {
  if (yes) return true
  if (!process.stdin.isTTY) {
    throw new AnalyticsError('WRONG_USAGE', 'There is no terminal to ask on. Pass --yes to go ahead.')
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-C and the end of input count as no.
  const closed = new Promise<undefined>((resolve) => terminal.once('close', () => resolve(undefined)))
  const answer = await Promise.race([terminal.question(`${escapeTerminal(question)} [y/N] `), closed])
  if (answer === undefined) process.stderr.write('\n')
  terminal.close()
  return /^y(es)?$/i.test(answer?.trim() ?? '')
}
