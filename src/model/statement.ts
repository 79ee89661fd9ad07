/** The formats in which a statement is printed. */
export type StatementFormat = 'table' | 'csv' | 'json' | 'markdown'

/** Whole numbers as decimal text, by unit; `requests` comes first. They may exceed 2^53. */
export type Quantities = Readonly<Record<string, string>>

/** A period that was closed, with instants in UTC; `until` is exclusive. */
export interface StatementPeriod {
  /** `2026-10`, `2026-W40` or `2026-10-05`. */
  readonly label: string
  readonly unit: 'month' | 'week' | 'day'
  readonly since: string
  readonly until: string
  readonly timeZone: string
}

/** An earlier period that a statement corrects. */
export interface CorrectedPeriod {
  /** The statement that closed the period. */
  readonly statement: number
  readonly period: StatementPeriod
}

/** What a statement says about all customers together. A file for one customer leaves it out and has its hash. */
export interface StatementTotals {
  /** Random text: nobody can find the totals by trying which ones fit the hash. */
  readonly salt: string
  /** Sums of all lines of kind `usage`. */
  readonly usage: Quantities
  /** Sums of the corrections, by the statement that is corrected. */
  readonly corrections: readonly { readonly statement: number; readonly quantities: Quantities }[]
  readonly accountCount: number
  /** What was counted, never arrived, and was accepted with this statement; units of which nothing is missing are absent. */
  readonly acceptedMissing: Quantities
  /** All that is missing in the ledger at this time, by instance and unit. */
  readonly missing: readonly {
    readonly instance: string
    readonly unit: string
    readonly quantity: string
  }[]
  /** Instances that delivered since the period began: their last batch and all their requests. */
  readonly ledger: readonly {
    readonly instance: string
    readonly sequence: number
    readonly requests: number
  }[]
}

/** The header of a statement. Its SHA-256, as canonical JSON, is the hash of the statement. */
export interface StatementHeader {
  /** Version of this form. A reader of a later version of this package reads all earlier ones. */
  readonly format: 1
  readonly kind: 'statement'
  /** Position in the chain of statements and redactions, from 1. */
  readonly sequence: number
  readonly number: number
  readonly period: StatementPeriod
  /** Statuses and classes of statuses that are billed: `['2xx', '304']`. */
  readonly billable: readonly string[]
  readonly closedAt: string
  /** Random id of the database. */
  readonly database: string
  readonly corrects: readonly CorrectedPeriod[]
  readonly lineCount: number
  /** Root of the hash tree over all lines (RFC 6962). */
  readonly linesHash: string
  /** SHA-256 of the totals as canonical JSON. */
  readonly totalsHash: string
  /** Hash of the entry before it in the chain; null for the first one. */
  readonly previousHash: string | null
}

/** A record in the chain: the names of these accounts were blanked on purpose. */
export interface RedactionRecord {
  readonly format: 1
  readonly kind: 'redaction'
  readonly sequence: number
  readonly redactedAt: string
  readonly accounts: readonly { readonly statement: number; readonly account: number }[]
  readonly previousHash: string | null
}

/** An Ed25519 signature of the header as canonical JSON. */
export interface StatementSignature {
  readonly algorithm: 'Ed25519'
  /** SPKI, DER, base64: a PEM file without its first and last line. */
  readonly publicKey: string
  /** Base64. */
  readonly value: string
}

/** The names of an account. All are null after `keys forget` blanked them. */
export interface AccountNames {
  readonly label: string | null
  readonly name: string | null
  readonly owner: string | null
  /** Random text: nobody can find blanked names by trying which ones fit the hash. */
  readonly salt: string | null
}

/** A key on a statement, with its names as they were when the statement was made. */
export interface StatementAccount extends AccountNames {
  /** Number within the statement, from 1. */
  readonly account: number
  readonly keyId: string
  /** SHA-256 of the names as canonical JSON; it stays when the names are blanked. */
  readonly hash: string
}

/** What is billed of one key, endpoint and unit. */
export interface StatementLine {
  /** Number within the statement, from 1. */
  readonly line: number
  /** The statement that closed the period of these requests. Another number than that of the statement: a correction. */
  readonly period: number
  /** Start of this owner's time when the key changed its owner within the period; else null. */
  readonly ownerSince: string | null
  readonly method: string
  readonly endpoint: string
  readonly unit: string
  /** A whole number; negative in a correction that takes back. */
  readonly quantity: string
  /** SHA-256 of the line: a leaf of the hash tree. */
  readonly hash: string
}

/** An account with its lines. */
export type AccountWithLines = StatementAccount & { readonly lines: readonly StatementLine[] }

/** A statement as a file: all of it, or the accounts of one customer or key. */
export interface StatementDocument {
  readonly statement: StatementHeader
  /** Null in a part of a statement. */
  readonly totals: StatementTotals | null
  readonly hash: string
  readonly signature: StatementSignature | null
  readonly accounts: readonly AccountWithLines[]
  /** Hashes of the parts of the tree that this file leaves out; empty when it has all lines. */
  readonly proof: readonly string[]
}

/** A statement in a list. */
export interface StatementSummary {
  readonly statement: StatementHeader
  readonly totals: StatementTotals
  readonly hash: string
  readonly signature: StatementSignature | null
}

/** The result of a check. */
export interface StatementCheck {
  /** True when nothing was changed. */
  readonly intact: boolean
  /** Statements that were checked. */
  readonly statements: number
  readonly lines: number
  /** What is wrong, one sentence each. */
  readonly findings: readonly string[]
  /** What is good to know: names that were blanked, signatures nobody checked. */
  readonly notes: readonly string[]
}

/** Which lines of a statement: those of an owner as printed on it, those of a key, or all. */
export interface StatementFilter {
  readonly owner?: string | undefined
  readonly keyId?: string | undefined
}
