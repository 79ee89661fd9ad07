import type { Migration } from '@mikro-orm/migrations'

/** Whether a migration runs on PostgreSQL, else on SQLite. Asks the driver: importing either would load it. */
export function isPostgresql(migration: Migration): boolean {
  return migration['driver'].getPlatform().getDefaultSchemaName() === 'public'
}
