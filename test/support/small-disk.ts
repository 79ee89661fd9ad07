import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A disk that is soon full. */
export interface SmallDisk extends Disposable {
  readonly path: string
  /** Uses up all room but so many bytes. */
  fill(leave: number): void
  /** Makes that room again. */
  clear(): void
}

/**
 * Mounts a tmpfs. It takes root or a user namespace of one's own: run the tests as root, or by `unshare -rm`.
 * @throws Error when mounting is not allowed
 */
export function mountSmallDisk(bytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'apikey-analytics-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'pipe' })
  } catch (cause) {
    rmSync(path, { recursive: true })
    throw new Error(
      'Cannot mount a small tmpfs. Run the tests as root, or as "unshare -rm npm test", on Linux.',
      { cause },
    )
  }
  const ballast = join(path, 'ballast')
  return {
    path,
    fill(leave) {
      const fd = openSync(ballast, 'w')
      const block = Buffer.alloc(4096)
      let written = 0
      try {
        for (;;) written += writeSync(fd, block)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        closeSync(fd)
      }
      execFileSync('truncate', [`--size=${Math.max(0, written - leave)}`, ballast])
    },
    clear: () => rmSync(ballast, { force: true }),
    [Symbol.dispose]() {
      execFileSync('umount', ['--lazy', path])
      rmSync(path, { recursive: true })
    },
  }
}
