import type { Statements } from '../database/dialect.ts'

/** Notes the new name of a customer on the statements that it got. They are printed with the name that it had. */
export async function renameCustomer(tx: Statements, owner: string, name: string): Promise<void> {
  await tx.query('update api_key_analytics_statement_accounts set customer = $2 where customer = $1', [
    owner,
    name,
  ])
}

/** What the customers of a statement are called now, by the name that it prints. */
export async function readCustomerNames(tx: Statements, statement: number): Promise<Map<string, string>> {
  const rows = await tx.query<{ owner: string; customer: string }>(
    `select distinct owner, customer
from api_key_analytics_statement_accounts
where statement = $1 and owner is not null`,
    [statement],
  )
  return new Map(rows.map(({ owner, customer }) => [owner, customer]))
}
