import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { makeProcessFolder } from '../support/usage/make-process-folder.ts'

const { kind } = vi.hoisted(() => ({ kind: { magic: 0 } }))

vi.mock('node:fs', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  statfsSync: () => ({ type: kind.magic }),
}))

test.each([
  ['ext4', 0xef53, 'mapped'],
  ['XFS', 0x5846_5342, 'mapped'],
  ['tmpfs', 0x0102_1994, 'mapped'],
  ['overlayfs', 0x794c_7630, 'mapped'],
  ['NFS', 0x6969, 'written'],
  ['SMB', 0xfe53_4d42, 'written'],
  ['9p', 0x0102_1997, 'written'],
  ['FUSE', 0x6573_5546, 'written'],
  ['btrfs', 0x9123_683e, 'written'],
  ['ZFS', 0x2fc1_2fc1, 'written'],
  ['bcachefs', 0xca45_1a4e, 'written'],
])('a counter file on %s (statfs type %d) is %s', (_, magic, mode) => {
  kind.magic = magic
  const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-file-systems-'))
  const report = (error: Error) => {
    throw error
  }
  const folder = makeProcessFolder(dataDir, report)
  expect(folder.open(64, 0).mode).toBe(mode)
  folder.abandon()
  rmSync(dataDir, { recursive: true })
})
