import type { Context } from 'koa'
import { AnalyticsError } from '../model/errors.ts'
import type { ResolvedOptions } from '../options/options.ts'
import type { KnownKeys } from './known-keys.ts'
import { OTHER_CALLER } from './read-key.ts'
import type { Caller, ReadKey } from './read-key.ts'

/** The answer to the request waits meanwhile. */
const LONGEST_IDENTIFY_MS = 5000

/**
 * Finds whose request it is; nothing when there is no key. A promise only when the app's `identify` returns one. A
 * key that the app itself told is learned as real.
 * `given` is what `setApiKey` was told, unchecked.
 */
export type IdentifyKey = (ctx: Context, given: unknown) => Caller | undefined | Promise<Caller | undefined>

/**
 * Makes an `IdentifyKey`. The order: `setApiKey`; then the option `identify` where it is given, alone; else
 * `ctx.state.apiKey`, `Authorization: <keyword> <key>`, and the key header. It never throws: when `identify` fails
 * or takes longer than five seconds, that is reported and the request belongs to `(other)`.
 */
export function createIdentifyKey(
  options: Pick<ResolvedOptions, 'identify' | 'keyword' | 'header'>,
  readKey: ReadKey,
  knownKeys: Pick<KnownKeys, 'learn'>,
  report: (error: AnalyticsError) => void,
): IdentifyKey {
  const { identify, header } = options
  const keyword = options.keyword.toLowerCase()

  /** What the app itself says is real. */
  const vouch = (value: unknown): Caller | undefined => {
    const caller = readKey(value)
    if (caller && !caller.learned) knownKeys.learn(caller)
    return caller
  }

  const giveUp = (cause: unknown): Caller => {
    report(
      new AnalyticsError(
        'IDENTIFY_FAILED',
        'Finding the API key of a request failed; the request was counted under (other). See the cause; check the option "identify".',
        { cause },
      ),
    )
    return OTHER_CALLER
  }

  const readHeaders = ({ req: { headers } }: Context): Caller | undefined =>
    readKey(readCredentials(firstValue(headers.authorization), keyword)) ??
    readKey(firstValue(headers[header]))

  const ask = (ctx: Context, identify: (ctx: Context) => unknown) => {
    const found = identify(ctx)
    return isPromise(found) ? waitFor(found).then(vouch).catch(giveUp) : vouch(found)
  }

  return (ctx, given) => {
    try {
      const told = given === undefined ? undefined : vouch(given)
      if (told) return told
      return identify ? ask(ctx, identify) : (vouch(ctx.state?.apiKey) ?? readHeaders(ctx))
    } catch (cause) {
      return giveUp(cause)
    }
  }
}

/** @throws Error when the promise rejects or does not settle in time */
async function waitFor<Found>(promise: PromiseLike<Found>): Promise<Found> {
  const { promise: limit, reject } = Promise.withResolvers<never>()
  const tooLong = () => reject(new Error(`identify did not answer within ${LONGEST_IDENTIFY_MS} ms.`))
  // a turn later: after a standstill of the process the answer may be here and not read yet
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
