/**
 * Runs the tests under every supported Node with the oldest and the newest PostgreSQL, one pair after the other:
 * `npm run matrix -- [--node 22.18,24,26] [--postgres 13,18] [--project store] [test files]`. A version is how one
 * begins: 22.18 is the newest 22.18.x. One line per pair; ends with 1 if any failed, and then keeps the logs.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { installNode, installPostgres } from './install-programs.ts'
import type { Installed } from './install-programs.ts'
import { runSuite } from './run-suite.ts'

const { values, positionals: files } = parseArgs({
  options: {
    // the oldest is that of "engines" in package.json
    node: { type: 'string', default: '22.18,24,26' },
    postgres: { type: 'string', default: '13,18' },
    project: { type: 'string', multiple: true, default: [] },
  },
  allowPositionals: true,
})
const args = [...values.project.map((name) => `--project=${name}`), ...files]

const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-matrix-'))
// the server may run as another user
chmodSync(folder, 0o755)
const programs = join(folder, 'programs')
mkdirSync(programs)
const failedLogs: string[] = []
try {
  const nodes = await installEach(values.node, installNode)
  const servers = await installEach(values.postgres, installPostgres)
  for (const node of nodes) for (const server of servers) await runPair(node, server)
} finally {
  rmSync(failedLogs.length > 0 ? programs : folder, { recursive: true, force: true })
}
if (failedLogs.length > 0) print(`Logs: ${failedLogs.join(' ')}`)
process.exitCode = failedLogs.length > 0 ? 1 : 0

async function installEach(
  versions: string,
  install: (version: string, folder: string) => Promise<Installed>,
): Promise<Installed[]> {
  const installed = []
  for (const version of versions.split(',')) installed.push(await install(version, programs))
  return installed
}

async function runPair(node: Installed, server: Installed): Promise<void> {
  const name = `Node ${node.version}, PostgreSQL ${server.version}`
  const start = performance.now()
  const { passed, failed, failures, log } = await runSuite([node.bin, server.bin], args, folder)
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  print(`${name}: ${passed} passed, ${failed} failed (${seconds} s)`)
  for (const failure of failures) print(`  ${failure}`)
  if (failed > 0) failedLogs.push(log)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
