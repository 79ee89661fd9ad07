import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { Context } from 'koa'
import type { DownloadedFile } from './api-thread.ts'

/** Answers with a file to download, piece by piece: it may be larger than memory. One that breaks off is not complete. */
export function sendFile(ctx: Context, { name, type, pieces }: DownloadedFile): void {
  ctx.status = 200
  ctx.attachment(name)
  ctx.type = type === 'csv' ? 'text/csv' : 'application/json'
  ctx.set('Cache-Control', 'private, no-cache')
  ctx.vary('Accept-Encoding')
  const text = Readable.from(pieces, { objectMode: false })
  if (ctx.acceptsEncodings('gzip', 'identity') !== 'gzip') {
    ctx.body = text
    return
  }
  ctx.set('Content-Encoding', 'gzip')
  // whatever ends one of them ends the other; Koa reports the error
  ctx.body = pipeline(text, createGzip(), () => {})
}
