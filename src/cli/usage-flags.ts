import { Flags } from '@oclif/core'
import type { CsvSeparator } from '../report/render/render-csv.ts'

/** Flags for filters and the period: the same for `report` and `export`. */
export const usageFlags = {
  key: Flags.string({
    char: 'k',
    summary: 'One key: its name, label, id or a unique start of it; - reads the secret from standard input.',
    helpValue: 'KEY',
    helpGroup: 'FILTER',
  }),
  endpoint: Flags.string({
    char: 'e',
    summary: "One endpoint, or a pattern with *: '/users/:id', 'GET /users/*'.",
    helpValue: 'PATTERN',
    helpGroup: 'FILTER',
  }),
  owner: Flags.string({ summary: 'The keys of one owner.', helpValue: 'OWNER', helpGroup: 'FILTER' }),
  'no-links': Flags.boolean({
    summary: 'Each key alone: keys that "keys link" has linked count as one otherwise.',
    helpGroup: 'FILTER',
  }),
  method: Flags.string({ summary: 'One HTTP method.', helpValue: 'METHOD', helpGroup: 'FILTER' }),
  status: Flags.string({
    summary: 'Statuses or classes: 429, 4xx, 401,403.',
    helpValue: 'STATUS',
    helpGroup: 'FILTER',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  }),
  since: Flags.string({
    summary: 'Start: 24h, 7d, 4w ago (from the full hour), or 2026-11-01, 2026-11-01T14:00.',
    helpValue: 'TIME',
    helpGroup: 'PERIOD',
  }),
  until: Flags.string({
    summary: 'End, not included; default: now.',
    helpValue: 'TIME',
    helpGroup: 'PERIOD',
  }),
  month: Flags.string({ summary: 'A whole month: 2026-10.', helpValue: 'MONTH', helpGroup: 'PERIOD' }),
  tz: Flags.string({
    summary: 'Time zone (IANA) in which dates are read and days, weeks and months begin.',
    helpValue: 'ZONE',
    default: 'UTC',
    helpGroup: 'PERIOD',
  }),
}

const SEPARATORS = { ',': ',', ';': ';', tab: '\t' } as const satisfies Record<string, CsvSeparator>

/** The flag `--csv-separator`. */
export const csvSeparatorFlag = Flags.custom<CsvSeparator>({
  options: Object.keys(SEPARATORS),
  summary: 'Separator of csv; numbers keep their decimal point.',
  parse: async (name) => SEPARATORS[name as keyof typeof SEPARATORS],
})()

/** The flag `--unit`. */
export const unitFlag = Flags.string({
  summary: 'Count a unit that the app declares, such as tokens, instead of requests.',
  helpValue: 'UNIT',
})

/** The flag `--by`: up to two dimensions, or three in formats for programs. */
export const byFlag = Flags.string({
  summary:
    'Group by key, endpoint, path (all methods of it), method, status, owner, hour, day, week, month; by two of them, or by three in csv, json, ndjson, xlsx and parquet.',
  helpValue: 'DIMENSION[,DIMENSION]',
  multiple: true,
  multipleNonGreedy: true,
  delimiter: ',',
})
