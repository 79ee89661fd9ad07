import { Migration } from '@mikro-orm/migrations'
import { POSTGRESQL } from './202611-tables-postgresql.ts'
import { SQLITE } from './202611-tables-sqlite.ts'
import { isPostgresql } from './is-postgresql.ts'

/**
 * The first tables: keys, their former owners and links, usage and its quantities, its sums by owner, the ledger with
 * its gaps and unsealed batches, prunes, imports, statements, quotas, routes, alerts, meta.
 */
export class Migration202611CreateTables extends Migration {
  override up(): void {
    for (const sql of isPostgresql(this) ? POSTGRESQL : SQLITE) this.addSql(sql)
  }

  override down(): void {
    // an unpublished version may have made fewer
    for (const table of TABLES) this.addSql(`drop table if exists ${table}`)
  }
}

const TABLES = [
  'api_key_analytics_quantities',
  'api_key_analytics',
  'api_key_analytics_owner_usage',
  'api_key_analytics_owners',
  'api_key_analytics_links',
  'api_key_analytics_keys',
  'api_key_analytics_ledger',
  'api_key_analytics_ledger_units',
  'api_key_analytics_gaps',
  'api_key_analytics_unsealed',
  'api_key_analytics_prunes',
  'api_key_analytics_pruned_quantities',
  'api_key_analytics_imports',
  'api_key_analytics_import_quantities',
  'api_key_analytics_statements',
  'api_key_analytics_statement_accounts',
  'api_key_analytics_statement_lines',
  'api_key_analytics_statement_owners',
  'api_key_analytics_statement_removals',
  'api_key_analytics_quotas',
  'api_key_analytics_routes',
  'api_key_analytics_alert_deliveries',
  'api_key_analytics_alerts',
  'api_key_analytics_meta',
]
