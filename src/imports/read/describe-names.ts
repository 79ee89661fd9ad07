import { maskValue } from './refuse-line.ts'

/** Most names that an error lists. */
const SHOWN = 8

/** Column names for an error: `"a", "b" and 3 more`. A file without a first line of names may have keys there. */
export function describeNames(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => (isName(name) ? JSON.stringify(name) : maskValue(name)))
  const more = names.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}

const isName = (name: string): boolean => name.length <= 40 && name.replace(/\D/g, '').length < 4
