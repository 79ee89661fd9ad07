import type { Customer, CustomerStatement } from '../../model/customer-usage.ts'
import type { StatementHeader } from '../../model/statement.ts'
import type { Statements } from '../database/dialect.ts'

/** A customer with this many closed months has been one for forty years. */
const MOST_STATEMENTS = 500

/**
 * Accounts as they are printed. Names that were blanked belong to nobody: a key that is used again after `keys forget` may
 * have another owner.
 */
const READ = (accounts: string) => `
select s.content, l.period, l.unit, cast(sum(l.quantity) as text) as quantity
from api_key_analytics_statement_accounts a
join api_key_analytics_statement_lines l
  on l.statement = a.statement and l.account = a.account and l.api_key_id = a.api_key_id
join api_key_analytics_statements s on s.number = a.statement
where s.kind = 'statement' and a.label is not null and ${accounts}
group by s.number, s.content, l.period, l.unit
order by s.number desc, l.period, l.unit`

/** As for its usage. A key that had another owner before may have been billed to that one. */
const OF_KEYS_WITHOUT_OWNER = (keys: string) => `a.api_key_id in (${keys}) and exists (
    select 1 from api_key_analytics_keys k
    where k.id = a.api_key_id and k.owner_since is null
      and (k.owner is null and a.owner is null or k.owner_set_by = 'person' and k.owner = a.customer)
  )`

/** What was billed to a customer, whatever its name was then; with the scope `key` only that of the key and its line. */
export async function findCustomerStatements(
  db: Statements,
  { scope, owner }: Customer,
  keyIds: readonly string[],
): Promise<CustomerStatement[]> {
  const listFrom = (first: number) => keyIds.map((_, index) => `$${first + index}`).join(', ')
  const whose =
    scope === 'owner' && owner !== null
      ? { accounts: 'a.customer = $1', params: [owner] }
      : owner === null
        ? { accounts: OF_KEYS_WITHOUT_OWNER(listFrom(1)), params: keyIds }
        : { accounts: `a.customer = $1 and a.api_key_id in (${listFrom(2)})`, params: [owner, ...keyIds] }
  const rows = await db.query<Row>(READ(whose.accounts), whose.params)
  const byStatement = [...Map.groupBy(rows, ({ content }) => content)].slice(0, MOST_STATEMENTS)
  return byStatement.map(([content, lines]) => toStatement(content, lines)).toReversed()
}

interface Row {
  readonly content: string
  readonly period: number | string
  readonly unit: string
  readonly quantity: string
}

function toStatement(content: string, lines: readonly Row[]): CustomerStatement {
  const { number, period, closedAt, billable } = JSON.parse(content) as StatementHeader
  const { label, since, until, timeZone } = period
  const byPeriod = Map.groupBy(lines, (line) => Number(line.period))
  const quantitiesOf = (some: readonly Row[] = []) =>
    Object.fromEntries(some.map(({ unit, quantity }) => [unit, BigInt(quantity)]))
  const corrected = [...byPeriod].filter(([closedBy]) => closedBy !== number)
  return {
    number,
    period: { label, since, until, timeZone },
    closedAt,
    billable,
    usage: quantitiesOf(byPeriod.get(number)),
    corrections: corrected.map(([statement, some]) => ({ statement, quantities: quantitiesOf(some) })),
  }
}
