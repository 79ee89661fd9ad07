/** What can be named in a command. */
export type NameKind =
  | 'key'
  | 'owner'
  | 'endpoint'
  | 'operation'
  | 'unit'
  | 'statement'
  | 'webhook'
  | 'import'

/** A name as a command takes it, and what distinguishes it from others. */
export interface Name {
  readonly value: string
  readonly note?: string | undefined
}

/** Names of one kind that start with a text. */
export interface NameQuestion {
  readonly kind: NameKind
  readonly start: string
}

/** Runs a statement; the parameter is `$1`. */
export type RunStatement = (sql: string, parameters: readonly string[]) => Promise<Row[]>

type Row = Readonly<Record<string, string | number | null>>

/** More are of no use in a list on a terminal. */
const MOST = 500

const startsWith = (column: string) => `substr(${column}, 1, length(cast($1 as text))) = cast($1 as text)`

const KEYS = `
select cast(id as text) as id, label, name, owner
from api_key_analytics_keys
where ${['name', 'label', 'cast(id as text)'].map(startsWith).join('\n  or ')}
order by last_used_at desc
limit ${MOST}`

const OWNERS = `
select owner
from (
  select owner from api_key_analytics_keys
  union
  select owner from api_key_analytics_owners
) o
where ${startsWith('owner')}
order by owner
limit ${MOST}`

/** There is no index on endpoints: those of the newest rows are found in a bounded time. */
const ENDPOINTS = `
select distinct method, endpoint
from (select method, endpoint from api_key_analytics order by bucket desc limit 50000) newest
order by endpoint, method`

/** Those of apps too: whoever deprecates a route may look for one that nobody calls. */
const OPERATIONS = `
select method, endpoint from api_key_analytics_routes
union
select method, endpoint
from (select method, endpoint from api_key_analytics order by bucket desc limit 50000) newest
order by endpoint, method`

const UNITS = 'select distinct unit from api_key_analytics_ledger_units order by unit'

const STATEMENTS = `
select number, content
from api_key_analytics_statements
where kind = 'statement'
order by number desc
limit ${MOST}`

const WEBHOOKS = 'select distinct webhook from api_key_analytics_alert_deliveries order by webhook'

const IMPORTS = `select id, name from api_key_analytics_imports order by id desc limit ${MOST}`

const READERS: Record<NameKind, (run: RunStatement, start: string) => Promise<Name[]>> = {
  key: async (run, start) => namesOfKeys(await run(KEYS, [start]), start),
  owner: async (run, start) => (await run(OWNERS, [start])).map(({ owner }) => ({ value: String(owner) })),
  endpoint: async (run, start) => {
    const rows = await run(ENDPOINTS, [])
    const paths = [...new Set(rows.map(({ endpoint }) => String(endpoint)))].map((value) => ({ value }))
    // both are taken; operations only after their first letter, because every path would be there twice
    return start === '' ? paths : [...paths, ...rows.map(toOperation)]
  },
  operation: async (run) => (await run(OPERATIONS, [])).map(toOperation),
  unit: async (run) => (await run(UNITS, [])).map(({ unit }) => ({ value: String(unit) })),
  statement: async (run) =>
    (await run(STATEMENTS, [])).flatMap(({ number, content }) => {
      const { period } = JSON.parse(String(content)) as { period: { label: string } }
      return [
        { value: String(number), note: period.label },
        { value: period.label, note: `statement ${number}` },
      ]
    }),
  import: async (run) =>
    (await run(IMPORTS, [])).map(({ id, name }) => ({ value: String(id), note: String(name) })),
  webhook: async (run) => (await run(WEBHOOKS, [])).map(({ webhook }) => ({ value: String(webhook) })),
}

/** Finds names for the completion of commands: the keys used last first, at most 500. */
export async function findNames(run: RunStatement, { kind, start }: NameQuestion): Promise<Name[]> {
  const names = await READERS[kind](run, start)
  return names.filter(({ value }) => value.startsWith(start)).slice(0, MOST)
}

function toOperation({ method, endpoint }: Row): Name {
  return { value: `${method} ${endpoint}` }
}

/** A key by the first of its name and label that starts as typed and is no other key's, else by its id. */
function namesOfKeys(rows: readonly Row[], start: string): Name[] {
  const fits = (text: Row[string] | undefined) => typeof text === 'string' && text.startsWith(start)
  const holders = Map.groupBy(
    rows.flatMap(({ name, label }) => [...new Set([name, label])]),
    (text) => text,
  )
  return rows.map(({ id, label, name, owner }) => {
    const own = [name, label].find((text) => fits(text) && holders.get(text)?.length === 1)
    const value = String(own ?? [id, name, label].find(fits))
    const notes = [...new Set([name, label, owner])].filter((text) => text !== null && text !== value)
    return { value, note: notes.join(' · ') || undefined }
  })
}
