import { stringifyJson } from '../../json/stringify-json.ts'
import { escapeJson } from '../../terminal/escape-terminal.ts'

/**
 * JSON with two spaces of indent: times in ISO 8601 UTC, ratios from 0 to 1. The schema of a report is the type
 * `UsageReport`; fields are added, never renamed or removed, within a major version.
 */
export function renderJson(data: unknown): string {
  return `${escapeJson(stringifyJson(data, 2))}\n`
}
