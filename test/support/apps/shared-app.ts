import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { lockFolder } from '../../../src/buffer/folder/folder-lock.ts'
import type { FolderLock } from '../../../src/buffer/folder/folder-lock.ts'
import { installIn, makeApp, makeAppFolder, packPackage } from './install-package.ts'
import type { InstalledApp } from './install-package.ts'
import { PATIENCE_MS } from '../patience.ts'

/** What the pages say to install. */
export const OF_PAGES = [
  'koa',
  '@koa/router',
  'koa-mount',
  'koa-tree-router',
  '@opentelemetry/api',
  'standardwebhooks',
  'vitest',
  'jest',
  'typescript',
  '@types/koa',
  '@types/node',
]
/** Beside it, in a folder of its own. */
const TYPESCRIPT_5 = 'typescript@5.9.3'
const SHARED = fileURLToPath(new URL('../../../node_modules/.cache/apps', import.meta.url))

/**
 * An app of its own for tests to which it does not matter how it was installed, with what the pages install and
 * an older compiler. npm installs it once for each build of the package: npm takes many times as long as a copy.
 */
export async function copySharedApp(): Promise<InstalledApp> {
  const folder = makeAppFolder()
  const packed = await packPackage(folder)
  const name = createHash('sha256')
    .update([packed.integrity, ...OF_PAGES, TYPESCRIPT_5].join(' '))
    .digest('hex')
  const lock = await lockShared()
  try {
    const shared = join(SHARED, name)
    if (!existsSync(shared)) {
      for (const old of readdirSync(SHARED).filter((found) => found !== LOCK_FILE))
        rmSync(join(SHARED, old), { recursive: true })
      await installIn(folder, [...OF_PAGES, packed.tarball])
      await installIn(makeAppFolder(join(folder, 'typescript5')), [TYPESCRIPT_5])
      mkdirSync(`${shared}-`)
      copyApp(folder, `${shared}-`)
      renameSync(`${shared}-`, shared)
    } else copyApp(shared, folder)
  } finally {
    lock.release()
  }
  return makeApp(folder, packed)
}

/** Its own files are copied. What was installed is linked, which takes a tenth of the time: nobody writes into it. */
function copyApp(from: string, to: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isDirectory()) linkFolder(join(from, entry.name), join(to, entry.name))
    else copyFileSync(join(from, entry.name), join(to, entry.name))
  }
}

function linkFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) linkFolder(source, target)
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target)
    else linkFile(source, target)
  }
}

function linkFile(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch {
    // the temporary folder is on another file system
    copyFileSync(from, to)
  }
}

const LOCK_FILE = 'lock'

/** One at a time installs or copies. */
async function lockShared(): Promise<FolderLock> {
  mkdirSync(SHARED, { recursive: true })
  closeSync(openSync(join(SHARED, LOCK_FILE), 'a'))
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const lock = lockFolder(SHARED, false)
    if (lock) return lock
    if (Date.now() > deadline) throw new Error(`Another process holds ${SHARED}.`)
    await sleep(100)
  }
}
