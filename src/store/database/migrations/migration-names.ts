/** The names of all migrations, oldest first. They are stored in databases: a published one never changes. */
export const MIGRATION_NAMES = ['202611_create_tables'] as const

/** MikroORM's own table of applied migrations. */
export const MIGRATIONS_TABLE = 'api_key_analytics_migrations'
