import { Migration202611AddDurationBins } from './202611-add-duration-bins.ts'
import { Migration202611CreateTables } from './202611-create-tables.ts'

/** Every migration, oldest first. Names are stored in databases: a published one never changes. */
export const MIGRATIONS = [
  { name: '202611_create_tables', class: Migration202611CreateTables },
  { name: '202611_add_duration_bins', class: Migration202611AddDurationBins },
]
