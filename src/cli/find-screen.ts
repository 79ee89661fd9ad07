import type { Screen } from '../terminal/screen.ts'

/** The width of standard output, and whether it may have colours. */
export function findScreen(flags: { readonly 'no-color'?: boolean }): Screen {
  const width = process.stdout.columns || Number(process.env.COLUMNS) || undefined
  const plain = flags['no-color'] || process.env.NO_COLOR || process.env.TERM === 'dumb'
  return { width, colour: process.stdout.isTTY && !plain }
}
