import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** The programs that tests start often. */
const OFTEN = [
  'close-days',
  'check-alerts',
  'count-and-die',
  'count-and-hang',
  'count-days',
  'count-within-quota',
  'counting-app',
  'deliver-set-aside-and-die',
  'flush',
  'flush-cells',
  'flush-once',
  'import-file',
  'link-keys',
  'migrate',
  'move',
  'open-and-forget',
  'recover-and-die',
  'wait-for-end',
]
const THREADS = [
  'src/dashboard/api-worker.ts',
  'src/self-service/usage-worker.ts',
  'src/store/thread/store-worker.ts',
]
/** Loaded from `node_modules` as ever: they bring compiled code. `pg-native` is not installed. */
const COMPILED = ['better-sqlite3', 'koffi', 'pg-native']
/** MikroORM and pg are partly CommonJS, which has a `require`. */
const REQUIRE = `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);`

/**
 * Bundles the programs that tests start often and the threads of the sources, into a folder that TEST_PROGRAMS_DIR names for every process that
 * follows. Some 300 modules take a process three times as long to load as one file with all of them.
 * @returns what removes the folder again
 */
export default async function bundlePrograms(): Promise<() => Promise<void>> {
  // vitest calls this once for each project that has it
  if (process.env['TEST_PROGRAMS_DIR']) return async () => {}
  // below node_modules, so that the compiled packages are found
  const cache = join(ROOT, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'programs-'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  await build({
    entryPoints: [
      ...OFTEN.map((name) => join(import.meta.dirname, `programs/${name}.ts`)),
      ...THREADS.map((file) => join(ROOT, file)),
    ],
    outdir: folder,
    entryNames: '[name]',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    external: COMPILED,
    banner: { js: REQUIRE },
    logLevel: 'warning',
  })
  process.env['TEST_PROGRAMS_DIR'] = folder
  return async () => {
    delete process.env['TEST_PROGRAMS_DIR']
    rmSync(folder, { recursive: true, force: true })
  }
}
