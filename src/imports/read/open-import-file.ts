import { createHash } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { AnalyticsError } from '../../model/errors.ts'
import { countLines } from '../../model/count-lines.ts'
import { refuseLine } from './refuse-line.ts'

/** A file that can be read more than once, also when it came from a pipe. */
export interface ImportFile {
  /** For people: its name without folders. */
  readonly name: string
  readonly bytes: number
  /** Its text from the start, in pieces. `onRead` is called with the bytes of the file that were read. */
  read(onRead?: (bytes: number) => void): TextOfFile
  close(): Promise<void>
}

/** One reading of a file. */
export interface TextOfFile {
  readonly pieces: AsyncGenerator<string, void, undefined>
  /** The hash of all bytes, hexadecimal. Call it when all pieces were read. */
  hash(): string
}

/** Formats of files that are no text, by their first bytes. */
const BINARY: readonly (readonly [start: string, what: string])[] = [
  ['50415231', 'a Parquet file: import the CSV, JSON or NDJSON of the same export'],
  ['504b0304', 'an Excel workbook or a zip file: save it as CSV, or unpack it'],
  ['53514c69', 'an SQLite database: export it with "apikey-analytics export"'],
  ['fffe', 'UTF-16: save it as UTF-8'],
  ['feff', 'UTF-16: save it as UTF-8'],
]
const GZIP = '1f8b'
const PIECE_BYTES = 65_536

/**
 * Opens a file; `-` is standard input. What comes from a pipe is copied to a temporary file without a name, which
 * vanishes with the process.
 * @throws WRONG_USAGE when it cannot be read
 */
export async function openImportFile(path: string, stdin: Readable): Promise<ImportFile> {
  if (path === '-') return toImportFile('stdin', await copyAside(stdin))
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new AnalyticsError('WRONG_USAGE', `Cannot read ${path} (${error.code}). Check its name.`, {
      cause: error,
    })
  })
  const found = await file.stat()
  if (found.isFile()) return toImportFile(basename(path), file)
  if (found.isDirectory()) {
    await file.close()
    throw new AnalyticsError('WRONG_USAGE', `${path} is a directory. Pass the name of a file.`)
  }
  return toImportFile(basename(path), await copyAside(file.createReadStream()))
}

async function copyAside(source: Readable): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'apikey-analytics-import-'))
  try {
    const file = await open(join(folder, 'input'), 'wx+', 0o600)
    await rm(folder, { recursive: true })
    for await (const chunk of source) await file.writeFile(chunk as Buffer)
    return file
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function toImportFile(name: string, file: FileHandle): Promise<ImportFile> {
  const start = Buffer.alloc(4)
  const { bytesRead } = await file.read(start, 0, start.length, 0)
  const magic = start.subarray(0, bytesRead).toString('hex')
  const binary = BINARY.find(([bytes]) => magic.startsWith(bytes))
  const { size } = await file.stat()
  if (binary || bytesRead === 0) {
    await file.close()
    throw new AnalyticsError(
      'WRONG_USAGE',
      `${name} is ${binary ? binary[1] : 'empty'}. Nothing was imported.`,
    )
  }
  return {
    name,
    bytes: size,
    read: (onRead) => readText(file, magic.startsWith(GZIP), onRead),
    close: () => file.close(),
  }
}

function readText(file: FileHandle, isGzip: boolean, onRead: (bytes: number) => void = () => {}): TextOfFile {
  const hash = createHash('sha256')
  let read = 0
  async function* readBytes(): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of file.createReadStream({
      start: 0,
      autoClose: false,
      highWaterMark: PIECE_BYTES,
    })) {
      hash.update(chunk as Buffer)
      read += (chunk as Buffer).length
      onRead(read)
      yield chunk as Buffer
    }
  }
  const raw = readBytes()
  // a failure of the pipeline ends the reading of its last stream
  const bytes = isGzip ? pipeline(Readable.from(raw, { objectMode: false }), createGunzip(), () => {}) : raw
  return { pieces: decode(bytes), hash: () => hash.digest('hex') }
}

async function* decode(bytes: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let line = 1
  const decodePiece = (chunk?: Buffer) => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode()
    } catch (error) {
      throw refuseLine(line, `this line, or one soon after it, is not UTF-8 (${(error as Error).message})`)
    }
  }
  try {
    for await (const chunk of bytes) {
      const text = decodePiece(chunk)
      const nul = text.indexOf('\0')
      if (nul >= 0) {
        throw refuseLine(line + countLines(text.slice(0, nul)), 'it has a NUL character, so it is no text.')
      }
      line += countLines(text)
      yield text
    }
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith('Z_')) throw error
    throw new AnalyticsError(
      'WRONG_USAGE',
      `The file cannot be decompressed (${(error as Error).message}): it is damaged or not complete. Nothing was imported.`,
      { cause: error },
    )
  }
  yield decodePiece()
}
