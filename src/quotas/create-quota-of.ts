import type { Context } from 'koa'
import { AnalyticsError } from '../model/errors.ts'
import type { ApiKey } from '../model/key.ts'
import type { QuotaState } from '../model/quota.ts'
import type { CountedKey } from '../model/request-counter.ts'
import type { IdentifyKey } from '../capture/key/identify-key.ts'
import type { ReadKey } from '../capture/key/read-key.ts'
import { readMark } from '../capture/request-mark.ts'

/** The quotas of a request or a key, from memory. */
export interface QuotaOf {
  quotaOf(whose: Context | ApiKey, unit?: string): QuotaState | undefined
  quotasOf(whose: Context | ApiKey): QuotaState[]
}

interface QuotaOfParts {
  readonly identifyKey: IdentifyKey
  readonly readKey: ReadKey
  readonly statesOf: (key: CountedKey) => QuotaState[]
  readonly report: (error: AnalyticsError) => void
}

/** Makes the functions with which an app asks for quotas. They never throw and never wait. */
export function createQuotaOf({ identifyKey, readKey, statesOf, report }: QuotaOfParts): QuotaOf {
  let hasWarned = false

  function findKey(whose: Context | ApiKey): CountedKey | undefined {
    if (!isContext(whose)) return readKey(whose)
    const key = identifyKey(whose, readMark(whose.req)?.readApiKey?.())
    if (!(key instanceof Promise)) return key
    if (!hasWarned) report(new AnalyticsError('IDENTIFY_FAILED', UNKNOWN_YET))
    hasWarned = true
    return undefined
  }

  function quotasOf(whose: Context | ApiKey): QuotaState[] {
    try {
      const key = findKey(whose)
      return key ? statesOf(key) : []
    } catch (cause) {
      report(new AnalyticsError('INTERNAL', 'Reading a quota failed. See the cause.', { cause }))
      return []
    }
  }

  return {
    quotasOf,
    quotaOf: (whose, unit) => quotasOf(whose).find((quota) => unit === undefined || quota.unit === unit),
  }
}

const UNKNOWN_YET =
  'quotaOf(ctx) cannot know the key: the option "identify" returned a promise. Call setApiKey(ctx, key) before, or pass the key instead of ctx.'

function isContext(whose: Context | ApiKey): whose is Context {
  return typeof whose === 'object' && whose !== null && 'req' in whose
}
