/**
 * JSON as text. A quantity (bigint) is a text in it: many programs read a JSON number above 2^53 rounded.
 */
export function stringifyJson(data: unknown, indent = 0): string {
  return JSON.stringify(
    data,
    (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
    indent,
  )
}
