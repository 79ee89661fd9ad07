import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip as gzipWithCallback } from 'node:zlib'
import type { Context } from 'koa'

const gzip = promisify(gzipWithCallback)
/** Below this, compression saves nothing. */
const LEAST_BYTES = 1000

/**
 * Answers with a text: compressed when the client accepts it, and 304 when the client has it already. Usage is private,
 * so no shared cache may store it, and a browser must revalidate its copy.
 */
export async function sendBody(ctx: Context, type: string, body: string): Promise<void> {
  ctx.type = type
  ctx.set('Cache-Control', 'private, no-cache')
  ctx.vary('Accept-Encoding')
  const zipped = body.length >= LEAST_BYTES && ctx.acceptsEncodings('gzip', 'identity') === 'gzip'
  if (ctx.status === 200) {
    const hash = createHash('sha256').update(body).digest('base64url').slice(0, 27)
    ctx.set('ETag', `W/"${hash}"`)
    if (ctx.fresh) {
      ctx.status = 304
      return
    }
  }
  if (zipped) ctx.set('Content-Encoding', 'gzip')
  ctx.body = zipped ? await gzip(body) : body
}
