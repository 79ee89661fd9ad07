import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context } from 'koa'

/**
 * A page that navigates by itself, instead of a redirect: a browser that comes from another site would not send a
 * SameSite=Strict cookie along a redirect.
 */
const WELCOME =
  '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=./"><title>API key usage</title>'
const CLOSED =
  'Open the link that "apikey-analytics dashboard" printed. It works once; start the command again for another.'

/** Lets in the one browser that has the link: the token works once, and a cookie replaces it. */
export class Session {
  readonly token = newSecret()
  readonly #cookie: string
  readonly #secret = newSecret()
  #used = false

  /** Cookies are shared by all ports of a host, so the name contains the port. */
  constructor(port: number) {
    this.#cookie = `apikey-analytics-${port}`
  }

  /** Whether a request may see data. Answers itself when it may not, or when it brings the token. */
  authorize(ctx: Context): boolean {
    const { token } = ctx.query
    const known = isSame(ctx.cookies.get(this.#cookie), this.#secret)
    if (token === undefined) return known || this.#refuse(ctx)
    if (!known) {
      // A link preview must not use up the token.
      if (this.#used || ctx.method !== 'GET' || !isSame(token, this.token)) return this.#refuse(ctx)
      this.#used = true
      ctx.cookies.set(this.#cookie, this.#secret, { httpOnly: true, sameSite: 'strict', path: '/' })
    }
    ctx.type = 'text/html'
    ctx.body = WELCOME
    return false
  }

  #refuse(ctx: Context): false {
    ctx.status = 401
    ctx.body = { error: { code: 'UNAUTHORIZED', message: CLOSED } }
    return false
  }
}

function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** Compares digests, because the lengths may differ, and in constant time. */
function isSame(given: unknown, secret: string): boolean {
  if (typeof given !== 'string') return false
  const [one, other] = [given, secret].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(one!, other!)
}
