/** How messages speak of a value that may be a URL with a password, or a secret. */

/** The type of a value, after "is". */
export function describeType(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `of type ${typeof value}`
}

/** The name of an unknown option. What does not look like a name may be a URL that was given in its place. */
export function quoteName(name: string): string {
  return /^\w{1,40}$/.test(name) ? `'${name}'` : `of ${name.length} characters`
}
