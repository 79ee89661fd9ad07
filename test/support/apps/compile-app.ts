import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { InstalledApp, ProgramResult } from './install-package.ts'

const TYPES = fileURLToPath(new URL('../../types', import.meta.url))

/**
 * The compilers that users have: our own, and one in a folder of the shared app, because two in one `node_modules`
 * would fight for `tsc`.
 */
const COMPILERS = {
  typescript5: join('typescript5', 'node_modules', 'typescript', 'bin', 'tsc'),
  typescript7: fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url)),
}
export type Compiler = keyof typeof COMPILERS

/** The ways in which a compiler finds a package: `module` and `moduleResolution`. */
export const NODE16 = ['node16', 'node16'] as const
export const NODENEXT = ['nodenext', 'nodenext'] as const
export const BUNDLER = ['esnext', 'bundler'] as const

/** Compiles files of `test/types` as an app that has installed the package, with the strictest settings. */
export async function compileApp(
  app: InstalledApp,
  compiler: Compiler,
  [module, moduleResolution]: readonly [module: string, moduleResolution: string],
  files: readonly string[],
  ...more: string[]
): Promise<ProgramResult> {
  for (const file of files) copyFileSync(join(TYPES, file), join(app.folder, file))
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false']
  const how = ['--target', 'es2022', '--module', module, '--moduleResolution', moduleResolution]
  return app.run('node', [COMPILERS[compiler], ...how, ...strict, '--types', 'node', ...more, ...files])
}
