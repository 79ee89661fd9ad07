import type { Context, Middleware, Next } from 'koa'
import { markRequest } from '../capture/request-mark.ts'
import type { SelfService } from '../capture/request-mark.ts'
import { readPageFile } from '../web/read-page-file.ts'
import { sendBody } from '../web/send-body.ts'
import type { Customer, CustomerAnswer } from '../model/customer-usage.ts'
import { AnalyticsError } from '../model/errors.ts'
import { isReservedKey } from '../model/key.ts'
import type { KeyIdentity } from '../model/key.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import { KeptAnswers } from '../store/thread/kept-answers.ts'
import { RateLimit } from './rate-limit.ts'
import { readQuestion } from './read-question.ts'
import type { ReadQuestion } from './read-question.ts'
import { resolveUsageOptions } from './usage-options.ts'
import type { ApiKeyUsageOptions, ResolvedUsageOptions } from './usage-options.ts'

/** The web component, below the path. */
const COMPONENT = '/api-usage.js'
/** Answers that are kept: a few kilobytes each. */
const MOST_KEPT = 500
/** Questions that may wait for the database at one time. */
const MOST_WAITING = 64
/** An answer that took long to read is kept this many times as long, so that one question takes 5 % of a database. */
const KEEP_FACTOR = 20
const LONGEST_KEPT_MS = 600_000
const RETRY_SECONDS = 5

interface Sent {
  readonly status: number
  readonly body: string
  readonly retryAfter?: number
}

/**
 * Makes the middleware that shows customers their own usage. Put it behind the app's authentication: it answers for the
 * key that `setApiKey` or `identify` gives, never for one that came only from a header.
 *
 * ```ts
 * app.use(apiKeyAnalytics())
 * app.use(authenticate) // calls setApiKey(ctx, { id, owner })
 * app.use(apiKeyUsage({ path: '/v1/usage' }))
 * ```
 * @throws OPTION_INVALID
 */
export function apiKeyUsage(given: ApiKeyUsageOptions = {}): Middleware {
  const options = resolveUsageOptions(given)
  const { path, counted } = options
  const askUsage = createAskUsage(options)

  return async function apiKeyUsage(ctx: Context, next: Next): Promise<unknown> {
    const isComponent = ctx.path === path + COMPONENT
    if (ctx.path !== path && !isComponent) return next()
    const mark = markRequest(ctx.req)
    if (counted) mark.endpoint ??= path
    else mark.uncounted = true
    ctx.set('X-Content-Type-Options', 'nosniff')
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD')
      return send(ctx, refuse(405, 'METHOD_NOT_ALLOWED', 'This address only answers. Use GET.'))
    }
    if (isComponent) {
      const { type, text } = (await readPageFile(COMPONENT.slice(1)))!
      ctx.status = 200
      return sendBody(ctx, type, text)
    }
    return send(ctx, await askUsage(ctx, mark.selfService))
  }
}

/** Makes the function that answers a request for figures. */
function createAskUsage(
  options: ResolvedUsageOptions,
): (ctx: Context, service: SelfService | undefined) => Promise<Sent> {
  const limit = new RateLimit(options.maxPerMinute)
  const kept = new KeptAnswers<string>(MOST_KEPT)
  let waiting = 0

  /** @throws AnalyticsError when the database does not answer */
  async function ask(service: SelfService, customer: Customer, read: ReadQuestion): Promise<Sent> {
    const id = JSON.stringify(read.question)
    const found = kept.find(id)
    if (found) return { status: 200, body: await found }
    if (waiting >= MOST_WAITING) return busy('Too many questions wait for an answer. Ask again.')
    waiting += 1
    const answering = service
      .answer(read.question)
      .then((answer) => stringifyJson(toBody(customer, read, answer)))
      .finally(() => (waiting -= 1))
    const body = await kept.keep(id, answering, (_, tookMs) =>
      Math.max(options.cacheMs, Math.min(tookMs * KEEP_FACTOR, LONGEST_KEPT_MS)),
    )
    return { status: 200, body }
  }

  return async (ctx, service) => {
    if (!service) {
      return refuse(
        503,
        'OPTION_INVALID',
        'Nothing is counted here: apiKeyAnalytics() has to be used before.',
      )
    }
    const key = await service.findVouched(ctx)
    if (!key || isReservedKey(key.identity.id)) {
      return refuse(401, 'UNAUTHORIZED', 'This is for customers: send the API key, or sign in.')
    }
    const customer = toCustomer(key.identity, options.scope)
    const waitSeconds = limit.take(
      JSON.stringify(customer.scope === 'owner' ? customer.owner : [customer.keyId]),
    )
    if (waitSeconds > 0) {
      return {
        ...refuse(429, 'TOO_MANY_REQUESTS', `Ask again in ${waitSeconds} s.`),
        retryAfter: waitSeconds,
      }
    }
    try {
      const { timeZone } = options
      return await ask(service, customer, readQuestion(ctx.query, { customer, timeZone, now: new Date() }))
    } catch (error) {
      const isOurs = error instanceof AnalyticsError
      if (isOurs && error.code === 'WRONG_USAGE') return refuse(400, error.code, error.message)
      service.report(
        isOurs
          ? error
          : new AnalyticsError('INTERNAL', 'Reading the usage of a customer failed. See the cause.', {
              cause: error,
            }),
      )
      // not the message: it names the database
      return busy('The usage cannot be read now. Ask again.')
    }
  }
}

/** An owner is one only when the app says it. The key's id is left out where all keys of the owner are meant. */
function toCustomer({ id, owner }: KeyIdentity, scope: Customer['scope']): Customer {
  return scope === 'owner' && owner !== null
    ? { scope, keyId: '', owner }
    : { scope: 'key', keyId: id, owner }
}

function toBody(customer: Customer, { question, month }: ReadQuestion, answer: CustomerAnswer): object {
  const { since, until, timeZone, by } = question
  const { completeUntil, ...figures } = answer
  return {
    customer: { scope: customer.scope, owner: customer.owner },
    period: {
      month,
      since: new Date(since),
      until: new Date(until),
      timeZone,
      complete: completeUntil >= until,
    },
    completeUntil: new Date(completeUntil),
    ...(by !== undefined && { by }),
    ...figures,
  }
}

function refuse(status: number, code: string, message: string): Sent {
  return { status, body: JSON.stringify({ error: { code, message } }) }
}

function busy(message: string): Sent {
  return { ...refuse(503, 'UNAVAILABLE', message), retryAfter: RETRY_SECONDS }
}

async function send(ctx: Context, { status, body, retryAfter }: Sent): Promise<void> {
  ctx.status = status
  if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter))
  await sendBody(ctx, 'application/json', body)
}
