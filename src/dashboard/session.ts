import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context } from 'koa'

/**
 * Follows by itself instead of being redirected: a browser that came from another site would not send a
 * SameSite=Strict cookie along a redirect.
 */
const WELCOME =
  '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=./"><title>API key usage</title>'
const CLOSED =
  'Open the link that "apikey-analytics dashboard" printed. It works once; start the command again for another.'

/** Lets in the one browser that has the link: its token works once and becomes a cookie. */
export class Session {
  readonly token = newSecret()
  readonly #cookie: string
  readonly #secret = newSecret()
  #used = false

  /** Cookies are shared by all ports of a host, so its name has the port. */
  constructor(port: number) {
    this.#cookie = `apikey-analytics-${port}`
  }

  /** Whether a request may see data; answers by itself when it may not, or brings the token. */
  authorize(ctx: Context): boolean {
    const { token } = ctx.query
    const known = isSame(ctx.cookies.get(this.#cookie), this.#secret)
    if (token === undefined) return known || this.#refuse(ctx)
    if (!known) {
      // A preview of the link must not use it up.
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

/** Compares digests in constant time, because the lengths may differ. */
function isSame(given: unknown, secret: string): boolean {
  if (typeof given !== 'string') return false
  const [one, other] = [given, secret].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(one!, other!)
}
