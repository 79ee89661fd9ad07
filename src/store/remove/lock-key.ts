import type { Dialect, Statements } from '../database/dialect.ts'

/** Locks a key until the transaction ends: no process can add rows of it. @returns false when the key does not exist */
export async function lockKey(tx: Statements, dialect: Dialect, id: string): Promise<boolean> {
  const lock = dialect.kind === 'postgresql' ? 'for update' : ''
  const [key] = await tx.query(`select id from api_key_analytics_keys where id = $1 ${lock}`, [id])
  return key !== undefined
}
