import type { KeyObject } from 'node:crypto'
import type { StatementCheck } from '../../model/statement.ts'
import { DocumentCheck } from './document-check.ts'
import { isObject } from './statement-form.ts'

/**
 * Checks a statement in memory: nothing in it was changed, added or removed since it was made. With a public key also
 * who made it.
 */
export function checkDocument(value: unknown, publicKey?: KeyObject): StatementCheck {
  const check = new DocumentCheck(publicKey)
  if (!isObject(value)) return check.finish(undefined)
  const { accounts } = value
  if (!Array.isArray(accounts)) return check.finish(value)
  for (const account of accounts as unknown[]) check.addAccount(account)
  return check.finish({ ...value, accounts: [] })
}
