import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** A line of a statement: what was billed of one key, endpoint and unit. */
export class ApiKeyAnalyticsStatementLine {
  statement!: number
  /** Number within the statement, from 1. */
  line!: number
  account!: number
  apiKeyId!: string
  /** The statement whose period the line belongs to: this one, or an earlier one that is corrected. */
  period!: number
  /** Start of the owner's time within the period; 1970 for the first owner. */
  ownerSince!: Date
  method!: string
  endpoint!: string
  unit!: string
  /** Negative in a correction that takes back. */
  quantity!: string
  /** SHA-256 of the line, a leaf of the statement's hash tree. */
  hash!: string
}

/** Table `api_key_analytics_statement_lines`. */
export const ApiKeyAnalyticsStatementLineSchema: EntitySchema<ApiKeyAnalyticsStatementLine> = defineEntity({
  class: ApiKeyAnalyticsStatementLine,
  tableName: 'api_key_analytics_statement_lines',
  indexes: [{ name: 'api_key_analytics_statement_lines_period_index', properties: ['period', 'apiKeyId'] }],
  properties: {
    statement: p.integer().fieldName('statement').primary().autoincrement(false),
    line: p.integer().fieldName('line').primary().autoincrement(false),
    account: p.integer().fieldName('account'),
    apiKeyId: p.uuid().fieldName('api_key_id').primary(),
    period: p.integer().fieldName('period'),
    ownerSince: p.datetime().fieldName('owner_since'),
    method: p.text().fieldName('method'),
    endpoint: p.text().fieldName('endpoint'),
    unit: p.text().fieldName('unit'),
    quantity: p.bigint('string').fieldName('quantity'),
    hash: p.text().fieldName('hash'),
  },
})
