import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { PGBOUNCER, PROMETHEUS, PROMTOOL, SCRIPT, SHELLS } from './support/find-installed.ts'
import { HANGS_MS, PATIENCE_MS } from './support/patience.ts'
import { SEARCH_FACTOR } from './support/search-runs.ts'

// hundreds of processes are started from sources: their types are stripped and they are compiled once
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../node_modules/.cache/compile')

if (!process.env['TEST_CITUS_URL']) {
  process.stderr.write('Citus: not run, set TEST_CITUS_URL to a coordinator with two workers.\n')
}

if (!PGBOUNCER) {
  process.stderr.write('PgBouncer: not run, install it (Debian: package pgbouncer).\n')
}

if (!PROMETHEUS || !PROMTOOL) {
  process.stderr.write('Prometheus: not run, install it (Debian: package prometheus).\n')
}

for (const [shell, path] of Object.entries(SHELLS)) {
  if (!path) process.stderr.write(`Completion in ${shell}: not run, install it (Debian: package ${shell}).\n`)
}

if (!SCRIPT) {
  process.stderr.write('Completion at a terminal: not run, install script (Debian: package bsdutils).\n')
}

/** What a folder of tests needs before its first test: nothing for `unit`, so that it is quick. */
const stored = [
  'support/databases/postgres-cluster.ts',
  'support/databases/template-databases.ts',
  'support/processes/bundle-programs.ts',
]
const tiers: Record<string, string[]> = {
  unit: [],
  store: stored,
  cli: stored,
  crash: stored,
  e2e: [...stored, 'support/browser/unpack-browser.ts'],
}

export default defineConfig({
  test: {
    root: import.meta.dirname,
    testTimeout: HANGS_MS * SEARCH_FACTOR,
    hookTimeout: HANGS_MS,
    expect: { poll: { timeout: PATIENCE_MS } },
    pool: 'forks',
    maxWorkers: 3,
    projects: Object.entries(tiers).map(([name, globalSetup]) => ({
      extends: true as const,
      test: {
        name,
        include: [`${name}/**/*.test.ts`],
        globalSetup,
        // whole apps say some things once per process; the others share processes, which load every module once
        isolate: name === 'crash' || name === 'e2e',
        setupFiles: name === 'unit' ? [] : ['support/processes/bundled-threads.ts'],
      },
    })),
  },
})
