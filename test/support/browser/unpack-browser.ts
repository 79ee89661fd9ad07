import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createRequire } from 'node:module'
import { inflate } from '@sparticuz/chromium'

/** The browser, its fonts, what draws without a graphics card, and libraries such as libnss3 that a machine may lack. */
const ARCHIVES = ['chromium.br', 'fonts.tar.br', 'swiftshader.tar.br', 'al2023.tar.br']

/**
 * Unpacks the Chromium that npm brought into a temporary folder, which TEST_BROWSER_DIR names for every process that
 * follows: it takes seconds, so once for all test files. Does nothing where another browser is used.
 * @returns what removes it again
 */
export default async function unpackBrowser(): Promise<() => Promise<void>> {
  const isPacked = process.platform === 'linux' && process.arch === 'x64'
  // vitest calls this once for each project that has it
  if (!isPacked || process.env['CHROMIUM_PATH'] || process.env['TEST_BROWSER_DIR']) return async () => {}
  const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-browser-'))
  await inflateInto(folder)
  writeFontSettings(folder)
  process.env['TEST_BROWSER_DIR'] = folder
  return async () => {
    delete process.env['TEST_BROWSER_DIR']
    // the last process of a browser may still be writing
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** `inflate` writes to the system's temporary folder and has no other way to say where; it looks when it is called. */
async function inflateInto(folder: string): Promise<void> {
  const packed = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '..', 'bin')
  const { TMPDIR } = process.env
  process.env['TMPDIR'] = folder
  const inflated = ARCHIVES.map((archive) => inflate(join(packed, archive)))
  if (TMPDIR === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = TMPDIR
  await Promise.all(inflated)
}

/** The settings in the package name the folder of the machine that it was made for. */
function writeFontSettings(folder: string): void {
  const settings = join(folder, 'fonts')
  mkdirSync(settings, { recursive: true })
  writeFileSync(
    join(settings, 'fonts.conf'),
    `<fontconfig><dir>${join(settings, 'fonts')}</dir><cachedir>${join(folder, 'cache')}</cachedir></fontconfig>`,
  )
}
