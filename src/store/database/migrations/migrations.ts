import { Migration202611CreateTables } from './202611-create-tables.ts'
import { MIGRATION_NAMES } from './migration-names.ts'

const CLASSES = { '202611_create_tables': Migration202611CreateTables } satisfies Record<
  (typeof MIGRATION_NAMES)[number],
  unknown
>

/** Every migration, oldest first. */
export const MIGRATIONS = MIGRATION_NAMES.map((name) => ({ name, class: CLASSES[name] }))
