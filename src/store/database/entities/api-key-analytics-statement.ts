import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** A statement, or a record that names were blanked: one entry of a chain in which each contains the hash before. */
export class ApiKeyAnalyticsStatement {
  /** Position in the chain, from 1. */
  sequence!: number
  kind!: 'statement' | 'redaction'
  /** Number of the statement, from 1; null for a redaction. */
  number!: number | null
  /** The closed period, until exclusive; null for a redaction. */
  since!: Date | null
  until!: Date | null
  /** Statuses and classes of statuses that it bills, separated by commas; null for a redaction. */
  billable!: string | null
  /** The header, or the record, as canonical JSON (RFC 8785). */
  content!: string
  /** The totals of a statement as canonical JSON; null for a redaction. */
  totals!: string | null
  /** SHA-256 of `content`, hexadecimal. */
  hash!: string
  /** Ed25519 signature of `content`, base64. */
  signature!: string | null
  /** The public key that checks it: SPKI, DER, base64. */
  publicKey!: string | null
}

/** Table `api_key_analytics_statements`. */
export const ApiKeyAnalyticsStatementSchema: EntitySchema<ApiKeyAnalyticsStatement> = defineEntity({
  class: ApiKeyAnalyticsStatement,
  tableName: 'api_key_analytics_statements',
  properties: {
    sequence: p.integer().fieldName('sequence').primary().autoincrement(false),
    kind: p.text().$type<ApiKeyAnalyticsStatement['kind']>().fieldName('kind'),
    number: p.integer().fieldName('number').nullable(),
    since: p.datetime().fieldName('since').nullable(),
    until: p.datetime().fieldName('until').nullable(),
    billable: p.text().fieldName('billable').nullable(),
    content: p.text().fieldName('content'),
    totals: p.text().fieldName('totals').nullable(),
    hash: p.text().fieldName('hash'),
    signature: p.text().fieldName('signature').nullable(),
    publicKey: p.text().fieldName('public_key').nullable(),
  },
})
