import type { Context } from 'koa'
import { AnalyticsError } from '../../model/errors.ts'
import type { CountedKey } from '../../model/request-counter.ts'
import type { ResolvedOptions } from '../../options/options.ts'
import type { KnownKeys } from './known-keys.ts'
import { COUNTED_OTHER } from './read-key.ts'
import type { ReadKey } from './read-key.ts'

/** The response waits for `identify` this long at most. */
const LONGEST_IDENTIFY_MS = 5000

/**
 * Finds the key of a request; undefined when there is none. A promise only when the app's `identify` returns one. A key
 * that the app itself names is learned as real. `given` is the unchecked value given to `setApiKey`.
 */
export type IdentifyKey = (
  ctx: Context,
  given: unknown,
) => CountedKey | undefined | Promise<CountedKey | undefined>

/** The same for the key that the app vouches for, alone: never one that came only from a header. */
export type FindVouched = IdentifyKey

/**
 * Makes an `IdentifyKey`, and a `FindVouched` of the same options. The order: `setApiKey`; then, if the option `identify`
 * is set, only that; else `ctx.state.apiKey`, `Authorization: <keyword> <key>`, the key header. It never throws: when
 * `identify` fails or takes longer than five seconds, that is reported and the request belongs to `(other)`.
 */
export function createIdentifyKey(
  options: Pick<ResolvedOptions, 'identify' | 'keyword' | 'header'>,
  readKey: ReadKey,
  knownKeys: Pick<KnownKeys, 'learn'>,
  report: (error: AnalyticsError) => void,
): { readonly identifyKey: IdentifyKey; readonly findVouched: FindVouched } {
  const { identify, header } = options
  const keyword = options.keyword.toLowerCase()

  /** A key that the app itself names is real. */
  const vouch = (value: unknown): CountedKey | undefined => {
    const key = readKey(value)
    if (key && !key.isKnown) knownKeys.learn(key)
    return key
  }

  const giveUp = (cause: unknown): CountedKey => {
    report(
      new AnalyticsError(
        'IDENTIFY_FAILED',
        'Finding the API key of a request failed; the request was counted under (other). See the cause; check the option "identify".',
        { cause },
      ),
    )
    return COUNTED_OTHER
  }

  const readHeaders = ({ req: { headers } }: Context): CountedKey | undefined =>
    readKey(readCredentials(firstValue(headers.authorization), keyword)) ??
    readKey(firstValue(headers[header]))

  const ask = (ctx: Context, identify: (ctx: Context) => unknown) => {
    const found = identify(ctx)
    return isPromise(found) ? waitFor(found).then(vouch).catch(giveUp) : vouch(found)
  }

  const findNamed: FindVouched = (ctx, given) => {
    const named = given === undefined ? undefined : vouch(given)
    return named ?? (identify ? ask(ctx, identify) : vouch(ctx.state?.apiKey))
  }

  /** Never throws. */
  const guard =
    (find: IdentifyKey): IdentifyKey =>
    (ctx, given) => {
      try {
        return find(ctx, given)
      } catch (cause) {
        return giveUp(cause)
      }
    }

  return {
    findVouched: guard(findNamed),
    identifyKey: guard(identify ? findNamed : (ctx, given) => findNamed(ctx, given) ?? readHeaders(ctx)),
  }
}

/** @throws Error when the promise rejects or does not settle in time */
async function waitFor<Found>(promise: PromiseLike<Found>): Promise<Found> {
  const { promise: limit, reject } = Promise.withResolvers<never>()
  const tooLong = () => reject(new Error(`identify did not answer within ${LONGEST_IDENTIFY_MS} ms.`))
  // one turn later: when the process was blocked, the answer may have arrived and not been read yet
  const timer = setTimeout(() => setImmediate(tooLong), LONGEST_IDENTIFY_MS).unref()
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}

/** The part of `Authorization` after the keyword, which is matched in any case. */
function readCredentials(authorization: string | undefined, keyword: string): string | undefined {
  if (authorization === undefined) return undefined
  const text = authorization.trimStart()
  const rest = text.slice(keyword.length)
  return text.slice(0, keyword.length).toLowerCase() === keyword && /^\s/.test(rest)
    ? rest.trimStart()
    : undefined
}

function firstValue(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}
