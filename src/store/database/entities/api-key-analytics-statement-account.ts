import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** A key on a statement, with its names as they were then. */
export class ApiKeyAnalyticsStatementAccount {
  statement!: number
  /** Number within the statement, from 1. */
  account!: number
  apiKeyId!: string
  /** The names are null after they were blanked by `keys forget`. */
  label!: string | null
  name!: string | null
  owner!: string | null
  /** What its owner is called since `customers rename`; no statement prints it. */
  customer!: string | null
  /** Random, so that nobody can find the names by trying which ones fit the hash. */
  salt!: string | null
  /** SHA-256 of names and salt: it stays when they are blanked, so every hash above it stays too. */
  hash!: string
}

/** Table `api_key_analytics_statement_accounts`. */
export const ApiKeyAnalyticsStatementAccountSchema: EntitySchema<ApiKeyAnalyticsStatementAccount> =
  defineEntity({
    class: ApiKeyAnalyticsStatementAccount,
    tableName: 'api_key_analytics_statement_accounts',
    indexes: [
      { name: 'api_key_analytics_statement_accounts_key_index', properties: ['apiKeyId'] },
      { name: 'api_key_analytics_statement_accounts_customer_index', properties: ['customer'] },
    ],
    properties: {
      statement: p.integer().fieldName('statement').primary().autoincrement(false),
      account: p.integer().fieldName('account').primary().autoincrement(false),
      apiKeyId: p.uuid().fieldName('api_key_id').primary(),
      label: p.text().fieldName('label').nullable(),
      name: p.text().fieldName('name').nullable(),
      owner: p.text().fieldName('owner').nullable(),
      customer: p.text().fieldName('customer').nullable(),
      salt: p.text().fieldName('salt').nullable(),
      hash: p.text().fieldName('hash'),
    },
  })
