/** What `202611-create-tables.ts` runs on SQLite, in this order. */
export const SQLITE = [
  `create table api_key_analytics_keys (
  id text not null primary key,
  label text not null,
  name text null,
  name_set_by text not null default 'app',
  name_said_at datetime null,
  owner text null,
  owner_set_by text not null default 'app',
  owner_since datetime null,
  owner_said_at datetime null,
  first_seen_at datetime not null,
  last_used_at datetime not null,
  import_id integer not null default 0
) without rowid`,
  `create table api_key_analytics_owners (
  api_key_id text not null,
  until datetime not null,
  since datetime not null,
  owner text null,
  set_by text not null,
  said_at datetime null,
  primary key (api_key_id, until),
  constraint api_key_analytics_owners_api_key_id_foreign
    foreign key (api_key_id) references api_key_analytics_keys (id) on delete cascade
) without rowid`,
  `create table api_key_analytics_links (
  api_key_id text not null primary key,
  continues text null,
  line text not null,
  constraint api_key_analytics_links_api_key_id_foreign
    foreign key (api_key_id) references api_key_analytics_keys (id) on delete cascade
) without rowid`,
  'create index api_key_analytics_links_line_index on api_key_analytics_links (line)',
  `create table api_key_analytics (
  api_key_id text not null,
  bucket datetime not null,
  bucket_minutes integer not null,
  endpoint text not null,
  method text not null,
  status integer not null,
  import_id integer not null default 0,
  request_count bigint not null default 0,
  duration_us bigint not null default 0,
  duration_first_bin integer not null,
  duration_bins text not null,
  primary key (api_key_id, bucket, bucket_minutes, endpoint, method, status, import_id),
  constraint api_key_analytics_api_key_id_foreign
    foreign key (api_key_id) references api_key_analytics_keys (id) on delete cascade
) without rowid`,
  'create index api_key_analytics_bucket_index on api_key_analytics (bucket)',
  `create table api_key_analytics_quantities (
  api_key_id text not null,
  bucket datetime not null,
  bucket_minutes integer not null,
  endpoint text not null,
  method text not null,
  status integer not null,
  unit text not null,
  import_id integer not null default 0,
  request_count bigint not null default 0,
  quantity bigint not null default 0,
  primary key (api_key_id, bucket, bucket_minutes, endpoint, method, status, unit, import_id),
  constraint api_key_analytics_quantities_api_key_id_foreign
    foreign key (api_key_id) references api_key_analytics_keys (id) on delete cascade
) without rowid`,
  'create index api_key_analytics_quantities_bucket_index on api_key_analytics_quantities (bucket)',
  `create table api_key_analytics_owner_usage (
  owner text not null,
  bucket datetime not null,
  endpoint text not null,
  method text not null,
  status integer not null,
  unit text not null,
  request_count bigint not null default 0,
  quantity bigint not null default 0,
  primary key (owner, bucket, endpoint, method, status, unit)
) without rowid`,
  `create table api_key_analytics_ledger (
  instance text not null primary key,
  sequence bigint not null,
  request_count bigint not null default 0,
  missing bigint not null default 0,
  addition_count bigint not null default 0,
  missing_additions bigint not null default 0,
  updated_at datetime not null
) without rowid`,
  `create table api_key_analytics_ledger_units (
  instance text not null,
  unit text not null,
  quantity bigint not null default 0,
  missing bigint not null default 0,
  primary key (instance, unit)
) without rowid`,
  `create table api_key_analytics_gaps (
  instance text not null,
  counted_from bigint not null,
  counted_to bigint not null,
  primary key (instance, counted_from)
) without rowid`,
  `create table api_key_analytics_unsealed (
  instance text not null,
  sequence bigint not null,
  chunk integer not null,
  content text not null,
  added_at datetime not null,
  primary key (instance, sequence, chunk)
)`,
  `create table api_key_analytics_prunes (
  id integer not null primary key autoincrement,
  action text not null,
  done_at datetime not null,
  before datetime null,
  api_key_id text null,
  row_count bigint not null,
  request_count bigint not null,
  closed_request_count bigint not null
)`,
  `create table api_key_analytics_pruned_quantities (
  prune_id integer not null,
  unit text not null,
  quantity bigint not null,
  closed_quantity bigint not null,
  primary key (prune_id, unit)
) without rowid`,
  `create table api_key_analytics_imports (
  id integer not null primary key autoincrement,
  name text not null,
  format text not null,
  sha256 text not null,
  imported_at datetime not null,
  since datetime not null,
  until datetime not null,
  row_count bigint not null,
  request_count bigint not null,
  removed_request_count bigint not null default 0
)`,
  `create table api_key_analytics_import_quantities (
  import_id integer not null,
  unit text not null,
  quantity bigint not null,
  removed_quantity bigint not null default 0,
  primary key (import_id, unit)
) without rowid`,
  `create table api_key_analytics_statements (
  sequence integer not null primary key,
  kind text not null,
  number integer null,
  since datetime null,
  until datetime null,
  billable text null,
  content text not null,
  totals text null,
  hash text not null,
  signature text null,
  public_key text null
)`,
  `create table api_key_analytics_statement_accounts (
  statement integer not null,
  account integer not null,
  api_key_id text not null,
  label text null,
  name text null,
  owner text null,
  customer text null,
  salt text null,
  hash text not null,
  primary key (statement, account, api_key_id)
) without rowid`,
  'create index api_key_analytics_statement_accounts_key_index on api_key_analytics_statement_accounts (api_key_id)',
  'create index api_key_analytics_statement_accounts_customer_index on api_key_analytics_statement_accounts (customer)',
  `create table api_key_analytics_statement_lines (
  statement integer not null,
  line integer not null,
  account integer not null,
  api_key_id text not null,
  period integer not null,
  owner_since datetime not null,
  method text not null,
  endpoint text not null,
  unit text not null,
  quantity bigint not null,
  hash text not null,
  primary key (statement, line, api_key_id)
) without rowid`,
  'create index api_key_analytics_statement_lines_period_index on api_key_analytics_statement_lines (period, api_key_id)',
  `create table api_key_analytics_statement_owners (
  period integer not null,
  api_key_id text not null,
  since datetime not null,
  until datetime not null,
  primary key (period, api_key_id, since)
) without rowid`,
  `create table api_key_analytics_statement_removals (
  period integer not null,
  api_key_id text not null,
  owner_since datetime not null,
  endpoint text not null,
  method text not null,
  unit text not null,
  quantity bigint not null,
  primary key (period, api_key_id, owner_since, endpoint, method, unit)
) without rowid`,
  `create table api_key_analytics_quotas (
  subject_kind text not null,
  subject text not null,
  unit text not null,
  per text not null,
  time_zone text not null,
  limit_quantity bigint not null,
  set_at datetime not null,
  primary key (subject_kind, subject, unit, per)
) without rowid`,
  `create table api_key_analytics_routes (
  endpoint text not null,
  method text not null,
  first_registered_at datetime null,
  last_registered_at datetime null,
  first_release text null,
  last_release text null,
  last_called_at datetime null,
  deprecated_at datetime null,
  sunset_at datetime null,
  link text null,
  primary key (endpoint, method)
) without rowid`,
  `create table api_key_analytics_alerts (
  id text not null primary key,
  kind text not null,
  api_key_id text null,
  owner text null,
  subject text not null,
  since datetime not null,
  until datetime not null,
  threshold integer null,
  level bigint not null,
  severity text not null,
  fired_at datetime not null,
  content text not null
) without rowid`,
  'create index api_key_analytics_alerts_until_index on api_key_analytics_alerts (until)',
  `create table api_key_analytics_alert_deliveries (
  alert_id text not null,
  webhook text not null,
  state text not null,
  attempts integer not null,
  next_attempt_at datetime not null,
  delivered_at datetime null,
  last_error text null,
  primary key (alert_id, webhook),
  constraint api_key_analytics_alert_deliveries_alert_id_foreign
    foreign key (alert_id) references api_key_analytics_alerts (id) on delete cascade
) without rowid`,
  'create index api_key_analytics_alert_deliveries_state_index on api_key_analytics_alert_deliveries (state, webhook)',
  `create table api_key_analytics_meta (
  id integer not null primary key,
  database_id text not null,
  pepper_check text null,
  state text not null default 'active',
  state_since datetime null,
  other_database text null,
  move_id text null
)`,
  // version 4, as PostgreSQL's gen_random_uuid() makes it
  `insert into api_key_analytics_meta (id, database_id)
select 1, printf('%s-%s-4%s-%s%s-%s', substr(h, 1, 8), substr(h, 9, 4), substr(h, 14, 3),
  substr('89ab', 1 + abs(random() % 4), 1), substr(h, 18, 3), substr(h, 21, 12))
from (select lower(hex(randomblob(16))) as h)`,
]
