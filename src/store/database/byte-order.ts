import type { Dialect } from './dialect.ts'

/** SQL for a text that sorts byte by byte, the same on every database and server. */
export function byteOrder(dialect: Dialect, text: string): string {
  return dialect.kind === 'postgresql' ? `${text} collate "C"` : text
}
