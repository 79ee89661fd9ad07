import type { Quantities, StatementPeriod } from '../../model/statement.ts'

/** What a statement bills, of all customers or of one. */
interface Billed {
  readonly usage: Quantities
  /** By the statement that is corrected. */
  readonly corrections: readonly {
    readonly statement: number
    readonly period: StatementPeriod
    readonly quantities: Quantities
  }[]
}

/** A statement in a list. */
export interface ListedStatement extends Billed {
  readonly number: number
  readonly period: StatementPeriod
  /** Statuses and classes. */
  readonly billable: readonly string[]
  readonly closedAt: string
  readonly hash: string
  readonly isSigned: boolean
}

/** The answer of `api/statements`: the latest first. */
export interface StatementList {
  readonly statements: readonly ListedStatement[]
  /** All that fit, on this page or another. */
  readonly statementCount: number
}

/** A line of a statement. */
export interface ShownLine {
  readonly line: number
  readonly kind: 'usage' | 'correction'
  readonly period: StatementPeriod
  /** The statement that a correction belongs to. */
  readonly corrects: number | null
  readonly ownerSince: string | null
  readonly owner: string | null
  readonly keyId: string
  /** Its name, its label, or its id when both were blanked. */
  readonly key: string
  readonly method: string
  readonly endpoint: string
  readonly unit: string
  readonly quantity: string
}

/** The answer of `api/statement`: one statement, or the part of one customer, with a page of its lines. */
export interface ShownStatement extends ListedStatement {
  readonly keys: number
  /** Lines that fit the filter, on this page or another. */
  readonly lineCount: number
  readonly lines: readonly ShownLine[]
  /** Of the whole statement. */
  readonly acceptedMissing: Quantities
  readonly previousHash: string | null
  readonly database: string
  /** Null when it is not signed. */
  readonly publicKey: string | null
}

/** The answer of `api/statement-customers`, by name; those without a customer last. */
export interface StatementCustomers {
  readonly customers: readonly (Billed & { readonly owner: string | null; readonly keys: number })[]
  readonly customerCount: number
}
