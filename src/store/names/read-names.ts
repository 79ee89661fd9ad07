import { spawnSync } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Name, NameQuestion } from './find-names.ts'
import { NAMES_LIMIT_MS } from './names-limit.ts'

const PROGRAM = fileURLToPath(
  new URL(`names-program${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
)

/**
 * Reads names from a database within two seconds; none when that fails, for any reason. Never writes and never creates a
 * database.
 */
export function readNames(database: string, question: NameQuestion): readonly Name[] {
  const { status, stdout } = spawnSync(process.execPath, [PROGRAM], {
    // not as an argument, which other users of the machine could see: the URL may hold a password
    input: JSON.stringify({ database, ...question }),
    timeout: NAMES_LIMIT_MS,
    killSignal: 'SIGKILL',
    stdio: ['pipe', 'pipe', 'ignore'],
    maxBuffer: 16 * 1024 * 1024,
    env: { ...process.env, NODE_COMPILE_CACHE: getCompileCacheDir() },
  })
  return status === 0 ? (JSON.parse(stdout.toString()) as Name[]) : []
}
