/** What `202611-create-tables.ts` runs on PostgreSQL, in this order. */
export const POSTGRESQL = [
  `create table api_key_analytics_keys (
  id uuid not null primary key,
  label text not null,
  name text null,
  name_set_by text not null default 'app',
  name_said_at timestamptz null,
  owner text null,
  owner_set_by text not null default 'app',
  owner_since timestamptz null,
  owner_said_at timestamptz null,
  first_seen_at timestamptz not null,
  last_used_at timestamptz not null,
  import_id smallint not null default 0
)`,
  `create table api_key_analytics_owners (
  api_key_id uuid not null
    constraint api_key_analytics_owners_api_key_id_foreign references api_key_analytics_keys (id) on delete cascade,
  until timestamptz not null,
  since timestamptz not null,
  owner text null,
  set_by text not null,
  said_at timestamptz null,
  primary key (api_key_id, until)
)`,
  `create table api_key_analytics_links (
  api_key_id uuid not null primary key
    constraint api_key_analytics_links_api_key_id_foreign references api_key_analytics_keys (id) on delete cascade,
  continues uuid null,
  line uuid not null
)`,
  'create index api_key_analytics_links_line_index on api_key_analytics_links (line)',
  `create table api_key_analytics (
  api_key_id uuid not null
    constraint api_key_analytics_api_key_id_foreign references api_key_analytics_keys (id) on delete cascade,
  bucket timestamptz not null,
  bucket_minutes smallint not null,
  endpoint text collate "C" not null,
  method text collate "C" not null,
  status smallint not null,
  import_id smallint not null default 0,
  request_count bigint not null default 0,
  duration_us bigint not null default 0,
  duration_first_bin smallint not null,
  duration_bins bigint[] not null,
  primary key (api_key_id, bucket, bucket_minutes, endpoint, method, status, import_id)
) with (fillfactor = 70)`,
  'create index api_key_analytics_bucket_index on api_key_analytics (bucket)',
  `create table api_key_analytics_quantities (
  api_key_id uuid not null
    constraint api_key_analytics_quantities_api_key_id_foreign
    references api_key_analytics_keys (id) on delete cascade,
  bucket timestamptz not null,
  bucket_minutes smallint not null,
  endpoint text collate "C" not null,
  method text collate "C" not null,
  status smallint not null,
  unit text collate "C" not null,
  import_id smallint not null default 0,
  request_count bigint not null default 0,
  quantity bigint not null default 0,
  primary key (api_key_id, bucket, bucket_minutes, endpoint, method, status, unit, import_id)
) with (fillfactor = 70)`,
  'create index api_key_analytics_quantities_bucket_index on api_key_analytics_quantities (bucket)',
  `create table api_key_analytics_owner_usage (
  owner text collate "C" not null,
  bucket timestamptz not null,
  endpoint text collate "C" not null,
  method text collate "C" not null,
  status smallint not null,
  unit text collate "C" not null,
  request_count bigint not null default 0,
  quantity bigint not null default 0,
  primary key (owner, bucket, endpoint, method, status, unit)
) with (fillfactor = 70)`,
  `create table api_key_analytics_ledger (
  instance uuid not null primary key,
  sequence bigint not null,
  request_count bigint not null default 0,
  missing bigint not null default 0,
  addition_count bigint not null default 0,
  missing_additions bigint not null default 0,
  updated_at timestamptz not null
)`,
  `create table api_key_analytics_ledger_units (
  instance uuid not null,
  unit text collate "C" not null,
  quantity bigint not null default 0,
  missing bigint not null default 0,
  primary key (instance, unit)
)`,
  `create table api_key_analytics_gaps (
  instance uuid not null,
  counted_from bigint not null,
  counted_to bigint not null,
  primary key (instance, counted_from)
)`,
  `create table api_key_analytics_unsealed (
  instance uuid not null,
  sequence bigint not null,
  chunk int not null,
  content text not null,
  added_at timestamptz not null,
  primary key (instance, sequence, chunk)
)`,
  `create table api_key_analytics_prunes (
  id serial primary key,
  action text not null,
  done_at timestamptz not null,
  before timestamptz null,
  api_key_id uuid null,
  row_count bigint not null,
  request_count bigint not null,
  closed_request_count bigint not null
)`,
  `create table api_key_analytics_pruned_quantities (
  prune_id int not null,
  unit text collate "C" not null,
  quantity bigint not null,
  closed_quantity bigint not null,
  primary key (prune_id, unit)
)`,
  `create table api_key_analytics_imports (
  id serial primary key,
  name text not null,
  format text not null,
  sha256 text not null,
  imported_at timestamptz not null,
  since timestamptz not null,
  until timestamptz not null,
  row_count bigint not null,
  request_count bigint not null,
  removed_request_count bigint not null default 0
)`,
  `create table api_key_analytics_import_quantities (
  import_id int not null,
  unit text collate "C" not null,
  quantity bigint not null,
  removed_quantity bigint not null default 0,
  primary key (import_id, unit)
)`,
  `create table api_key_analytics_statements (
  sequence int not null primary key,
  kind text not null,
  number int null,
  since timestamptz null,
  until timestamptz null,
  billable text null,
  content text not null,
  totals text null,
  hash text not null,
  signature text null,
  public_key text null
)`,
  `create table api_key_analytics_statement_accounts (
  statement int not null,
  account int not null,
  api_key_id uuid not null,
  label text null,
  name text null,
  owner text null,
  customer text null,
  salt text null,
  hash text not null,
  primary key (statement, account, api_key_id)
)`,
  'create index api_key_analytics_statement_accounts_key_index on api_key_analytics_statement_accounts (api_key_id)',
  'create index api_key_analytics_statement_accounts_customer_index on api_key_analytics_statement_accounts (customer)',
  `create table api_key_analytics_statement_lines (
  statement int not null,
  line int not null,
  account int not null,
  api_key_id uuid not null,
  period int not null,
  owner_since timestamptz not null,
  method text not null,
  endpoint text not null,
  unit text not null,
  quantity bigint not null,
  hash text not null,
  primary key (statement, line, api_key_id)
)`,
  'create index api_key_analytics_statement_lines_period_index on api_key_analytics_statement_lines (period, api_key_id)',
  `create table api_key_analytics_statement_owners (
  period int not null,
  api_key_id uuid not null,
  since timestamptz not null,
  until timestamptz not null,
  primary key (period, api_key_id, since)
)`,
  `create table api_key_analytics_statement_removals (
  period int not null,
  api_key_id uuid not null,
  owner_since timestamptz not null,
  endpoint text not null,
  method text not null,
  unit text not null,
  quantity bigint not null,
  primary key (period, api_key_id, owner_since, endpoint, method, unit)
)`,
  `create table api_key_analytics_quotas (
  subject_kind text not null,
  subject text not null,
  unit text not null,
  per text not null,
  time_zone text not null,
  limit_quantity bigint not null,
  set_at timestamptz not null,
  primary key (subject_kind, subject, unit, per)
)`,
  `create table api_key_analytics_routes (
  endpoint text collate "C" not null,
  method text collate "C" not null,
  first_registered_at timestamptz null,
  last_registered_at timestamptz null,
  first_release text null,
  last_release text null,
  last_called_at timestamptz null,
  deprecated_at timestamptz null,
  sunset_at timestamptz null,
  link text null,
  primary key (endpoint, method)
)`,
  `create table api_key_analytics_alerts (
  id uuid not null primary key,
  kind text not null,
  api_key_id uuid null,
  owner text null,
  subject text not null,
  since timestamptz not null,
  until timestamptz not null,
  threshold int null,
  level bigint not null,
  severity text not null,
  fired_at timestamptz not null,
  content text not null
)`,
  'create index api_key_analytics_alerts_until_index on api_key_analytics_alerts (until)',
  `create table api_key_analytics_alert_deliveries (
  alert_id uuid not null
    constraint api_key_analytics_alert_deliveries_alert_id_foreign
    references api_key_analytics_alerts (id) on delete cascade,
  webhook text not null,
  state text not null,
  attempts int not null,
  next_attempt_at timestamptz not null,
  delivered_at timestamptz null,
  last_error text null,
  primary key (alert_id, webhook)
)`,
  'create index api_key_analytics_alert_deliveries_state_index on api_key_analytics_alert_deliveries (state, webhook)',
  `create table api_key_analytics_meta (
  id smallint not null primary key,
  database_id uuid not null,
  pepper_check text null,
  state text not null default 'active',
  state_since timestamptz null,
  other_database text null,
  move_id uuid null
)`,
  'insert into api_key_analytics_meta (id, database_id) values (1, gen_random_uuid())',
]
