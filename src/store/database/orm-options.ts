import { Migrator } from '@mikro-orm/migrations'
import { ENTITIES } from './entities/entities.ts'
import { MIGRATIONS_TABLE } from './migrations/migration-names.ts'
import { MIGRATIONS } from './migrations/migrations.ts'

/** Options of MikroORM for both databases. */
export const ORM_OPTIONS = {
  entities: ENTITIES,
  extensions: [Migrator],
  // a mistyped database name must be an error, not a new database
  ensureDatabase: false,
  // MikroORM's logger writes to stdout, which is for data
  logger: () => {},
  migrations: {
    tableName: MIGRATIONS_TABLE,
    migrationsList: MIGRATIONS,
    snapshot: false,
    silent: true,
    // switching foreign keys off needs a superuser on PostgreSQL
    disableForeignKeys: false,
  },
}
