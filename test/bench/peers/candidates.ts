import { readFileSync } from 'node:fs'

/** Where what a candidate counted can be found after its process was killed. */
export type Keeps = 'data folder' | 'table' | 'collector' | 'scrape' | 'nothing'

/** One thing that counts in the sample app. */
export interface Candidate {
  /** What `--only` calls it. */
  readonly id: string
  readonly name: string
  /** File in `candidates/` that puts it into the app. */
  readonly module: string
  readonly options?: Readonly<Record<string, unknown>>
  /** Its npm package; undefined for code of the benchmark. */
  readonly package?: string
  readonly perKey: boolean
  readonly keeps: Keeps
  /** Tables that it needs in a PostgreSQL database of its own; ours are made by our migration. */
  readonly tables?: string
  readonly database?: 'postgresql'
  /** What a reader of the table must know. */
  readonly note?: string
}

const SCRAPED = 'What was scraped is kept; scraped every 15 s.'

export const CANDIDATES: readonly Candidate[] = [
  {
    id: 'apikey-analytics',
    name: 'apikey-analytics',
    module: 'apikey-analytics',
    package: 'apikey-analytics',
    perKey: true,
    keeps: 'data folder',
  },
  {
    id: 'apikey-analytics-units',
    name: 'apikey-analytics, one unit',
    module: 'apikey-analytics',
    options: { units: ['tokens'] },
    package: 'apikey-analytics',
    perKey: true,
    keeps: 'data folder',
  },
  {
    id: 'apikey-analytics-postgresql',
    name: 'apikey-analytics, PostgreSQL',
    module: 'apikey-analytics',
    package: 'apikey-analytics',
    perKey: true,
    keeps: 'data folder',
    database: 'postgresql',
  },
  {
    id: 'empty-middleware',
    name: 'empty async middleware',
    module: 'empty-middleware',
    perKey: false,
    keeps: 'nothing',
  },
  {
    id: 'prom-client-counter',
    name: 'prom-client, counter',
    module: 'prom-client',
    package: 'prom-client',
    perKey: true,
    keeps: 'scrape',
    note: SCRAPED,
  },
  {
    id: 'platformatic-prom-client-counter',
    name: '@platformatic/prom-client, counter',
    module: 'prom-client',
    options: { library: '@platformatic/prom-client' },
    package: '@platformatic/prom-client',
    perKey: true,
    keeps: 'scrape',
    note: SCRAPED,
  },
  {
    id: 'prom-client-histogram',
    name: 'prom-client, counter and histogram',
    module: 'prom-client',
    options: { histogram: true },
    package: 'prom-client',
    perKey: true,
    keeps: 'scrape',
    note: SCRAPED,
  },
  {
    id: 'opentelemetry-http',
    name: 'OpenTelemetry, HTTP instrumentation',
    module: 'opentelemetry-http',
    package: '@opentelemetry/instrumentation-http',
    perKey: false,
    keeps: 'collector',
    note: 'Has no attribute for the key and knows no routes of Koa; exports once a minute.',
  },
  {
    id: 'opentelemetry-key',
    name: 'OpenTelemetry, histogram with the key',
    module: 'opentelemetry-key',
    package: '@opentelemetry/sdk-metrics',
    perKey: true,
    keeps: 'collector',
    note: 'Its limit raised from 2000 to 100 000 series; exports once a minute.',
  },
  {
    id: 'apitally',
    name: 'apitally',
    module: 'apitally',
    package: 'apitally',
    perKey: true,
    keeps: 'collector',
    note: 'Sends every 10 s.',
  },
  {
    id: 'node-api-analytics',
    name: 'node-api-analytics',
    module: 'node-api-analytics',
    package: 'node-api-analytics',
    perKey: true,
    keeps: 'collector',
    note: 'Stores paths, not routes; sends once a minute.',
  },
  {
    id: 'moesif',
    name: 'moesif',
    module: 'moesif',
    package: 'moesif-nodejs',
    perKey: true,
    keeps: 'collector',
    note: 'Sends every 2 s or 200 requests.',
  },
  {
    id: 'swagger-stats',
    name: 'swagger-stats',
    module: 'swagger-stats',
    package: 'swagger-stats',
    perKey: false,
    keeps: 'scrape',
    note: `Counts by path. ${SCRAPED}`,
  },
  {
    id: 'awaited-upsert',
    name: 'one awaited upsert per request',
    module: 'awaited-upsert',
    perKey: true,
    keeps: 'table',
    database: 'postgresql',
    note: 'Without the CPU of PostgreSQL.',
    tables: `create table usage (key text, hour timestamptz, method text, endpoint text, status smallint,
  request_count bigint, primary key (key, hour, method, endpoint, status))`,
  },
  {
    id: 'read-modify-write',
    name: 'read, modify, write, as drf-simple-apikey does',
    module: 'read-modify-write',
    perKey: true,
    keeps: 'table',
    database: 'postgresql',
    note: 'Without the CPU of PostgreSQL. Counts totals and paths of a key; concurrent requests overwrite each other.',
    tables: 'create table analytics (key text primary key, request_number int, accessed_endpoints json)',
  },
]

/** The table and column that hold what a candidate of the kind `table` counted. */
export const STORED_SUM: Readonly<Record<string, string>> = {
  'awaited-upsert': 'select sum(request_count) as stored from usage',
  'read-modify-write': 'select sum(request_number) as stored from analytics',
}

/** The installed version of a candidate's package. */
export function versionOf({ package: name }: Candidate): string {
  if (!name) return '-'
  const folder = name === 'apikey-analytics' ? '../../..' : `node_modules/${name}`
  const path = new URL(`${folder}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}
