import { describeType, quoteName } from '../model/describe-value.ts'
import { AnalyticsError } from '../model/errors.ts'
import { showValue } from '../options/read-option.ts'
import { parseTimeZone } from '../time/period.ts'

/** Options of `apiKeyUsage()`; all may be left out. */
export interface ApiKeyUsageOptions {
  /** Path that answers, such as `/v1/usage`. The web component is below it: `/v1/usage/api-usage.js`. Default: `/v1/usage`. */
  readonly path?: string | undefined
  /**
   * Whose usage a customer sees: that of all keys of the owner that the app gives (`owner`), or of the key alone (`key`).
   * A key without an owner sees its own usage. Default: `owner`.
   */
  readonly scope?: 'owner' | 'key' | undefined
  /** Time zone of the borders of days and months, an IANA name, where a customer asks for no other. Default: `UTC`. */
  readonly timeZone?: string | undefined
  /** Questions that one customer may ask in a minute; more are answered with 429. Default: 120. */
  readonly maxPerMinute?: number | undefined
  /** How long an answer is given again to the same question; longer where it took long to read. Default: 5000. */
  readonly cacheMs?: number | undefined
  /** Whether these requests count as usage of the customer. Default: false. */
  readonly counted?: boolean | undefined
}

/** Options with every default in place. */
export type ResolvedUsageOptions = {
  readonly [Name in keyof ApiKeyUsageOptions]-?: NonNullable<ApiKeyUsageOptions[Name]>
}

const NAMES: ReadonlySet<string> = new Set<keyof ApiKeyUsageOptions>([
  'path',
  'scope',
  'timeZone',
  'maxPerMinute',
  'cacheMs',
  'counted',
])

/** Checks the options and fills in the defaults. @throws OPTION_INVALID */
export function resolveUsageOptions(given: ApiKeyUsageOptions = {}): ResolvedUsageOptions {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw wrongOption(`The options of apiKeyUsage() are ${describeType(given)}, expected an object.`)
  }
  // without a prototype: inherited properties must not pass for options
  const options: { [Name in keyof ApiKeyUsageOptions]: unknown } = Object.assign(Object.create(null), given)
  const unknown = Object.keys(options).find((name) => !NAMES.has(name))
  if (unknown !== undefined) {
    throw wrongOption(
      `Unknown option ${quoteName(unknown)} of apiKeyUsage(). The options are ${[...NAMES].join(', ')}.`,
    )
  }
  const { path = '/v1/usage', scope = 'owner', timeZone = 'UTC', counted = false } = options
  if (typeof path !== 'string' || !/^(\/[\w.~-]+)+$/.test(path))
    refuse('path', path, "a path such as '/v1/usage'")
  if (scope !== 'owner' && scope !== 'key') refuse('scope', scope, "'owner' or 'key'")
  if (typeof counted !== 'boolean') refuse('counted', counted, 'true or false')
  if (typeof timeZone !== 'string' || !isTimeZone(timeZone)) {
    refuse('timeZone', timeZone, "an IANA name such as 'Europe/Berlin'")
  }
  return {
    path,
    scope,
    timeZone,
    counted,
    maxPerMinute: readWhole('maxPerMinute', options.maxPerMinute ?? 120, 1, 60_000),
    cacheMs: readWhole('cacheMs', options.cacheMs ?? 5000, 0, 3_600_000),
  }
}

function isTimeZone(text: string): boolean {
  try {
    return parseTimeZone(text) === text
  } catch {
    return false
  }
}

function readWhole(name: keyof ApiKeyUsageOptions, value: unknown, least: number, most: number): number {
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return Number(value)
  return refuse(name, value, `a whole number from ${least} to ${most}`)
}

function refuse(name: keyof ApiKeyUsageOptions, found: unknown, expected: string): never {
  throw wrongOption(`Option "${name}" of apiKeyUsage() is ${showValue(found)}, expected ${expected}.`)
}

function wrongOption(message: string): AnalyticsError {
  return new AnalyticsError('OPTION_INVALID', message)
}
