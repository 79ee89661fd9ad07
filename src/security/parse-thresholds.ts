import { AnalyticsError } from '../model/errors.ts'
import { DEFAULT_THRESHOLDS, isThreshold, requireThreshold } from './thresholds.ts'
import type { Thresholds } from './thresholds.ts'

/** Parses `--threshold NAME=NUMBER`, given any number of times. @throws WRONG_USAGE, ARGUMENT_INVALID */
export function parseThresholds(given: readonly string[] = []): Partial<Thresholds> {
  return Object.fromEntries(
    given.map((text) => {
      const [, name = '', number = ''] = /^(\w+)=(.*)$/s.exec(text) ?? []
      if (isThreshold(name)) {
        const value = /^-?\d+(?:\.\d+)?$/.test(number) ? Number(number) : number
        requireThreshold(name, value)
        return [name, value]
      }
      const names = Object.keys(DEFAULT_THRESHOLDS).join(', ')
      throw new AnalyticsError(
        'WRONG_USAGE',
        `Cannot read "${text}" as a threshold. Use NAME=NUMBER with one of ${names}.`,
      )
    }),
  )
}
