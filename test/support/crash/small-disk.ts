import { execFileSync, spawnSync } from 'node:child_process'
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

/** Who may mount a small disk here: this process, a process in a user namespace of its own, or nobody. */
export function findMounter(): 'this process' | 'a namespace' | 'nobody (it takes root or a user namespace)' {
  const isRoot = process.getuid?.() === 0
  const probe = ['mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]
  const { status } = spawnSync('unshare', [isRoot ? '-m' : '-rm', ...probe], { stdio: 'ignore' })
  if (status !== 0) return 'nobody (it takes root or a user namespace)'
  return isRoot ? 'this process' : 'a namespace'
}

/** Mounts a tmpfs; for a process that `findMounter` names. */
export function mountSmallDisk(bytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'apikey-analytics-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path])
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
