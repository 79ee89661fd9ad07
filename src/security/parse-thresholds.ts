import { AnalyticsError } from '../model/errors.ts'
import { DEFAULT_THRESHOLDS } from './thresholds.ts'
import type { Thresholds } from './thresholds.ts'

/** Parses `--threshold NAME=NUMBER`, given any number of times. @throws WRONG_USAGE */
export function parseThresholds(given: readonly string[] = []): Partial<Thresholds> {
  return Object.fromEntries(
    given.map((text) => {
      const [, name, value] = /^(\w+)=(\d+(?:\.\d+)?)$/.exec(text) ?? []
      if (name !== undefined && Object.hasOwn(DEFAULT_THRESHOLDS, name)) return [name, Number(value)]
      const names = Object.keys(DEFAULT_THRESHOLDS).join(', ')
      throw new AnalyticsError(
        'WRONG_USAGE',
        `Cannot read "${text}" as a threshold. Use NAME=NUMBER with one of ${names}.`,
      )
    }),
  )
}
