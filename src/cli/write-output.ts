import { createWriteStream } from 'node:fs'
import { lstat, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { AnalyticsError } from '../model/errors.ts'

/** The destination of a text stream. */
export interface OutputOptions {
  /** A file, written under a temporary name and then renamed; without it standard output. */
  readonly file?: string | undefined
  readonly gzip: boolean
  /** Aborts the writing; a file then stays unchanged. */
  readonly signal: AbortSignal
}

/**
 * Writes text as fast as the destination takes it.
 * @throws WRONG_USAGE when the file is a directory, FILE_UNWRITABLE when it cannot be written or was interrupted
 */
export async function writeOutput(
  text: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  { file, gzip, signal }: OutputOptions,
): Promise<void> {
  const source = Readable.from(text, { objectMode: false })
  const write = async (target: NodeJS.WritableStream, end: boolean) =>
    gzip ? pipeline(source, createGzip(), target, { end, signal }) : pipeline(source, target, { end, signal })
  if (file === undefined) return write(process.stdout, false)
  await requireNoDirectory(file)
  const beside = join(dirname(file), `.${basename(file)}.${process.pid}.part`)
  const target = createWriteStream(beside, { flags: 'wx', mode: 0o600, flush: true })
  try {
    await write(target, true)
    await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true })
    if (signal.aborted) throw new AnalyticsError('FILE_UNWRITABLE', `Interrupted. ${file} is as it was.`)
    throw describeFileError(error, file)
  }
}

async function requireNoDirectory(file: string): Promise<void> {
  // A file that does not exist yet is fine.
  const found = await lstat(file).catch(() => undefined)
  if (found?.isDirectory()) {
    throw new AnalyticsError('WRONG_USAGE', `${file} is a directory. Pass the name of a file to --out.`)
  }
}

function describeFileError(error: unknown, file: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException
  const fromFile = syscall === 'open' || syscall === 'write' || syscall === 'rename' || syscall === 'fsync'
  if (!fromFile) return error
  return new AnalyticsError(
    'FILE_UNWRITABLE',
    `Cannot write ${file} (${code}). Check --out and the free space.`,
    { cause: error },
  )
}
