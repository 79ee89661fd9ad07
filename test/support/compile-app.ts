import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { InstalledApp, ProgramResult } from './install-package.ts'

const TYPES = fileURLToPath(new URL('../types', import.meta.url))

/** The compilers that users have. Installed beside the package: as dev dependencies they would fight for `tsc`. */
export const TYPESCRIPT_7 = 'typescript7@npm:typescript@7.0.2'
export const COMPILERS = ['typescript5@npm:typescript@5.9.3', TYPESCRIPT_7] as const
export type Compiler = 'typescript5' | 'typescript7'

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
  const tsc = join('node_modules', compiler, 'bin', 'tsc')
  return app.run('node', [tsc, ...how, ...strict, '--types', 'node', ...more, ...files])
}
