import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The file to run for a program of `support/processes/programs`: its bundle where there is one, else its source. */
export function findProgram(name: string): string {
  return findBundle(name) ?? join(import.meta.dirname, 'programs', `${name}.ts`)
}

/** The file that `bundlePrograms` made of a program or thread. */
export function findBundle(name: string): string | undefined {
  const { TEST_PROGRAMS_DIR } = process.env
  const bundle = TEST_PROGRAMS_DIR && join(TEST_PROGRAMS_DIR, `${name}.js`)
  return bundle && existsSync(bundle) ? bundle : undefined
}
