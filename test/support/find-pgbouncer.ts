import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** PgBouncer's program, where it is installed (Debian: package pgbouncer). */
export const PGBOUNCER = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  .map((folder) => join(folder, 'pgbouncer'))
  .find((path) => existsSync(path))
