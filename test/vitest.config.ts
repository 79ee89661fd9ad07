import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { PGBOUNCER } from './support/find-pgbouncer.ts'

// hundreds of processes are started from sources: their types are stripped and they are compiled once
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../node_modules/.cache/compile')

if (!process.env['TEST_CITUS_URL']) {
  process.stderr.write('Citus: not run, set TEST_CITUS_URL to a coordinator with two workers.\n')
}

if (!PGBOUNCER) {
  process.stderr.write('PgBouncer: not run, install it (Debian: package pgbouncer).\n')
}

/** One project per kind of test, so that `vitest --project unit` stays fast. */
const project = (name: string) => ({
  extends: true as const,
  test: { name, include: [`${name}/**/*.test.ts`] },
})

export default defineConfig({
  test: {
    root: import.meta.dirname,
    globalSetup: ['support/postgres-cluster.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: ['unit', 'store', 'cli', 'e2e'].map(project),
  },
})
