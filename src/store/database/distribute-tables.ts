import { AnalyticsError } from '../../model/errors.ts'
import type { Statements } from './dialect.ts'
import type { Database } from './open-database.ts'

/**
 * Each shard costs a flush one round trip, so Citus's default of 32 is slow. A cluster can grow to this many workers.
 */
const SHARDS = 8

/**
 * The tables that Citus distributes, their distribution columns, and the table whose shards they are colocated with. A
 * table comes after those it refers to. The ledger and the log of prunes are small, but distributed too: Citus may
 * commit a worker before the coordinator, and after a crash in between a local table would be behind the workers. The
 * other tables stay local, because no flush and no prune writes to them.
 */
const DISTRIBUTED = [
  { table: 'api_key_analytics_keys', by: 'id', along: undefined },
  { table: 'api_key_analytics_owners', by: 'api_key_id', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics_links', by: 'api_key_id', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics', by: 'api_key_id', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics_quantities', by: 'api_key_id', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics_owner_usage', by: 'owner', along: undefined },
  { table: 'api_key_analytics_ledger', by: 'instance', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics_ledger_units', by: 'instance', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics_gaps', by: 'instance', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics_unsealed', by: 'instance', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics_prunes', by: 'id', along: undefined },
  { table: 'api_key_analytics_pruned_quantities', by: 'prune_id', along: 'api_key_analytics_prunes' },
  { table: 'api_key_analytics_imports', by: 'id', along: 'api_key_analytics_prunes' },
  { table: 'api_key_analytics_import_quantities', by: 'import_id', along: 'api_key_analytics_prunes' },
  { table: 'api_key_analytics_statements', by: 'sequence', along: undefined },
  { table: 'api_key_analytics_statement_accounts', by: 'api_key_id', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics_statement_lines', by: 'api_key_id', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics_statement_owners', by: 'api_key_id', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics_statement_removals', by: 'api_key_id', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics_quotas', by: 'subject', along: undefined },
  { table: 'api_key_analytics_routes', by: 'endpoint', along: undefined },
  { table: 'api_key_analytics_alerts', by: 'id', along: 'api_key_analytics_keys' },
  { table: 'api_key_analytics_alert_deliveries', by: 'alert_id', along: 'api_key_analytics_keys' },
] as const

/** In the order in which flushes and prunes lock them, so that no deadlock can happen. */
const LOCK = `lock table api_key_analytics_statement_removals, api_key_analytics_links, api_key_analytics_ledger, api_key_analytics_gaps,
    api_key_analytics_unsealed, api_key_analytics_keys, api_key_analytics_owners, api_key_analytics,
    api_key_analytics_quantities, api_key_analytics_owner_usage, api_key_analytics_ledger_units, api_key_analytics_prunes,
    api_key_analytics_pruned_quantities, api_key_analytics_imports, api_key_analytics_import_quantities,
    api_key_analytics_statement_accounts, api_key_analytics_statement_lines,
    api_key_analytics_statement_owners, api_key_analytics_statements, api_key_analytics_alerts,
    api_key_analytics_alert_deliveries, api_key_analytics_quotas, api_key_analytics_routes
    in access exclusive mode`

const UNDISTRIBUTED = `
select name
from unnest($1::text[]) with ordinality as wanted (name, n)
where not exists (
  select 1 from pg_dist_partition where logicalrelid = to_regclass(wanted.name) and partmethod = 'h'
)
order by n`

/**
 * The tables that Citus should distribute and does not yet, future tables included; none without Citus.
 * @throws DATABASE_REFUSED on a worker, where new tables would belong to that worker alone
 */
export async function findUndistributed(
  db: Statements & Pick<Database, 'distributed' | 'databaseLabel'>,
): Promise<string[]> {
  if (!db.distributed) return []
  const [node] = await db.query<{ coordinates: boolean }>('select citus_is_coordinator() as coordinates')
  if (!node?.coordinates) {
    throw new AnalyticsError(
      'DATABASE_REFUSED',
      `${db.databaseLabel} is a worker of Citus. Name the coordinator in --database or DATABASE_URL.`,
    )
  }
  const names = DISTRIBUTED.map(({ table }) => table)
  return (await db.query<{ name: string }>(UNDISTRIBUTED, [names])).map(({ name }) => name)
}

/** One statement that distributes these tables with all their rows; writers wait until it is done. */
export function writeDistribution(tables: readonly string[]): string {
  const chosen = DISTRIBUTED.filter(({ table }) => tables.includes(table))
  const steps = [
    ...chosen.map(({ table, by, along }) => {
      const shards = along
        ? `colocate_with => '${along}'`
        : `colocate_with => 'none', shard_count => ${SHARDS}`
      return `perform create_distributed_table('${table}', '${by}', ${shards})`
    }),
    // The original rows are still on the coordinator's disk, where no query sees them.
    ...chosen.map(({ table }) => `perform truncate_local_data_after_distributing_table('${table}')`),
  ]
  return `do $$ begin\n  ${[LOCK, ...steps].join(';\n  ')};\nend $$`
}
