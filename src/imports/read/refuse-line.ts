import { AnalyticsError } from '../../model/errors.ts'

/** From this length on a text may be a secret in the wrong column, and both ends are enough to find it. */
const SHOWN = 20
const NUMBER_OR_TIME = /^[\d\s:.,+TZ/-]{1,40}$/i

/** The error for a file with a wrong line. Nothing of the file is stored then. */
export function refuseLine(line: number, problem: string): AnalyticsError {
  return new AnalyticsError('WRONG_USAGE', `Line ${line}: ${problem} Nothing was imported.`)
}

/** A value for an error; of a long text only its ends, as it may be a secret. */
export function maskValue(value: unknown): string {
  if (typeof value !== 'string') return String(value).slice(0, 2 * SHOWN)
  const isShown = value.length < SHOWN || NUMBER_OR_TIME.test(value)
  return JSON.stringify(isShown ? value : `${value.slice(0, 4)}…${value.slice(-4)}`)
}
