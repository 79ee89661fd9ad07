import type { StatementSignature } from '../../model/statement.ts'
import type { Dialect, Statements } from '../database/dialect.ts'

/** An entry of the chain as stored. */
export interface ChainEntry {
  readonly sequence: number
  readonly kind: 'statement' | 'redaction'
  /** Null for a redaction. */
  readonly number: number | null
  /** Canonical JSON. */
  readonly content: string
  /** The totals of a statement as canonical JSON; null for a redaction. */
  readonly totals: string | null
  readonly hash: string
  readonly signature: StatementSignature | null
}

/** An entry to add; a statement names its period, in epoch milliseconds. */
export type NewEntry = ChainEntry & {
  readonly closes?: { readonly since: number; readonly until: number; readonly billable: readonly string[] }
}

const COLUMNS = 'sequence, kind, number, content, totals, hash, signature, public_key'

const INSERT = (dialect: Dialect) => `
insert into api_key_analytics_statements
  (sequence, kind, number, since, until, billable, content, totals, hash, signature, public_key)
values ($1, $2, $3, ${dialect.timeOf('$4')}, ${dialect.timeOf('$5')}, $6, $7, $8, $9, $10, $11)`

/** Adds an entry. The caller holds the lock of a closer, so that the chain has one end. */
export async function addEntry(tx: Statements, dialect: Dialect, entry: NewEntry): Promise<void> {
  const { sequence, kind, number, content, totals, hash, signature, closes } = entry
  await tx.query(INSERT(dialect), [
    sequence,
    kind,
    number,
    closes?.since ?? null,
    closes?.until ?? null,
    closes?.billable.join(',') ?? null,
    content,
    totals,
    hash,
    signature?.value ?? null,
    signature?.publicKey ?? null,
  ])
}

/** The last entry of the chain. */
export async function readLastEntry(tx: Statements): Promise<ChainEntry | undefined> {
  const rows = await tx.query<Row>(
    `select ${COLUMNS} from api_key_analytics_statements order by sequence desc limit 1`,
  )
  return rows.map(toEntry)[0]
}

/** The last statement. */
export async function readLastStatement(tx: Statements): Promise<ChainEntry | undefined> {
  const rows = await tx.query<Row>(
    `select ${COLUMNS} from api_key_analytics_statements where kind = 'statement' order by number desc limit 1`,
  )
  return rows.map(toEntry)[0]
}

/** All entries, or the statement with a number. */
export async function readEntries(tx: Statements, number?: number): Promise<ChainEntry[]> {
  const chosen = number === undefined ? '' : 'where number = $1'
  const rows = await tx.query<Row>(
    `select ${COLUMNS} from api_key_analytics_statements ${chosen} order by sequence`,
    number === undefined ? [] : [number],
  )
  return rows.map(toEntry)
}

interface Row {
  readonly sequence: string | number
  readonly kind: ChainEntry['kind']
  readonly number: string | number | null
  readonly content: string
  readonly totals: string | null
  readonly hash: string
  readonly signature: string | null
  readonly public_key: string | null
}

function toEntry({
  sequence,
  kind,
  number,
  content,
  totals,
  hash,
  signature: value,
  public_key: publicKey,
}: Row): ChainEntry {
  return {
    sequence: Number(sequence),
    kind,
    number: number === null ? null : Number(number),
    content,
    totals,
    hash,
    signature: value === null || publicKey === null ? null : { algorithm: 'Ed25519', publicKey, value },
  }
}
