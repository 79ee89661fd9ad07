import { escapeJson } from '../../terminal/escape-terminal.ts'

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

/**
 * JSON with two spaces of indent: times in ISO 8601 UTC, ratios from 0 to 1. The schema of a report is the type
 * `UsageReport`; fields are added, never renamed or removed, within a major version.
 */
export function renderJson(data: unknown): string {
  return `${escapeJson(stringifyJson(data, 2))}\n`
}
