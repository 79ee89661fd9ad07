import { Migration202611CreateTables } from './202611-create-tables.ts'

/** Every migration, oldest first. Names are stored in databases: a published one never changes. */
export const MIGRATIONS = [{ name: '202611_create_tables', class: Migration202611CreateTables }]
