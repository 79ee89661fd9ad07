import { AnalyticsError } from '../model/errors.ts'
import { didYouMean, suggest } from '../model/suggest.ts'

/** The error for unknown flags, with similar ones. */
export function suggestFlags(error: unknown, names: readonly string[]): unknown {
  const unknown = (error as { flags?: unknown }).flags
  if (!Array.isArray(unknown)) return error
  // the part after = is a value, and may be a password
  const [first = ''] = unknown.map((flag) => String(flag).split('=')[0])
  const known = names.map((name) => `--${name}`)
  const near = first.startsWith('--') ? suggest(first, known) : []
  return new AnalyticsError('WRONG_USAGE', `Nonexistent flag: ${first}.${didYouMean(near)} See --help.`, {
    cause: error,
  })
}
