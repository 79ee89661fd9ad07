import { randomBytes } from 'node:crypto'
import type { AccountNames, StatementAccount, StatementLine } from '../../model/statement.ts'
import { canonicalJson, sha256 } from '../../json/canonical-json.ts'
import { hashLeaf } from './hash-tree.ts'

/** Text that stored names may have, and JSON may not: a lone surrogate, cut out of an emoji by hand, for example. */
const clean = (text: string | null): string | null => text && text.toWellFormed()

/** Random text that makes a hash impossible to guess. */
export function makeSalt(): string {
  return randomBytes(16).toString('hex')
}

/** An account with the hash of its names. */
export function sealAccount(
  account: number,
  { keyId, label, name, owner }: { readonly keyId: string } & Omit<AccountNames, 'salt'>,
): StatementAccount {
  const names = {
    label: clean(label),
    name: clean(name),
    owner: clean(owner),
    salt: makeSalt(),
  }
  return { account, keyId, ...names, hash: hashNames(names) }
}

/** A line with its hash. */
export function sealLine(account: StatementAccount, line: Omit<StatementLine, 'hash'>): StatementLine {
  const sealed = {
    ...line,
    method: line.method.toWellFormed(),
    endpoint: line.endpoint.toWellFormed(),
  }
  return { ...sealed, hash: hashLine(account, sealed) }
}

/** The hash of an account's names. */
export function hashNames({ label, name, owner, salt }: AccountNames): string {
  return sha256(canonicalJson({ label, name, owner, salt }))
}

/** Whether the names of an account were blanked. */
export function isBlanked({ label, name, owner, salt }: AccountNames): boolean {
  return label === null && name === null && owner === null && salt === null
}

/** The hash of a line: it covers the key and the hash of its names, so names can be blanked and the hash stays. */
export function hashLine(
  { account, keyId, hash: names }: Pick<StatementAccount, 'account' | 'keyId' | 'hash'>,
  { line, period, ownerSince, method, endpoint, unit, quantity }: Omit<StatementLine, 'hash'>,
): string {
  // In the order of the names, so that this is canonical JSON: twice as fast for millions of lines.
  const content = { account, endpoint, keyId, line, method, names, ownerSince, period, quantity, unit }
  return hashLeaf(JSON.stringify(content)).toString('hex')
}
