import { AnalyticsError } from '../model/errors.ts'
import { didYouMean, suggest } from '../options/suggest.ts'

/** An error that a person can act on: of flags that do not exist, with those that may have been meant. */
export function suggestFlags(error: unknown, names: readonly string[]): unknown {
  const unknown = (error as { flags?: unknown }).flags
  if (!Array.isArray(unknown)) return error
  // what follows a = is a value, and may be a password
  const [first = ''] = unknown.map((flag) => String(flag).split('=')[0])
  const known = names.map((name) => `--${name}`)
  const near = first.startsWith('--') ? suggest(first, known) : []
  return new AnalyticsError('WRONG_USAGE', `Nonexistent flag: ${first}.${didYouMean(near)} See --help.`, {
    cause: error,
  })
}
