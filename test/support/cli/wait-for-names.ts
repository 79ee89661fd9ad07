import childProcess from 'node:child_process'
import type { SpawnSyncOptions } from 'node:child_process'
import { PATIENCE_MS } from '../patience.ts'
import { replaceExport } from '../replace-export.ts'

/**
 * From now on the program that looks names up in this process may take as long as a busy machine needs to start it,
 * instead of two seconds. @returns what restores the limit
 */
export function waitForNames(): () => void {
  const { spawnSync } = childProcess
  return replaceExport(
    'node:child_process',
    'spawnSync',
    (program: string, args: readonly string[], options: SpawnSyncOptions) =>
      spawnSync(program, args, { ...options, timeout: PATIENCE_MS }),
  )
}
