import type { KeyObject } from 'node:crypto'
import type { StatementCheck, StatementDocument } from '../model/statement.ts'
import { canonicalJson, sha256 } from './canonical-json.ts'
import { rootFromProof } from './hash-tree.ts'
import { findFormFault } from './statement-form.ts'
import { hashLine, hashNames, isBlanked } from './seal-statement.ts'
import { isSigned, toBase64 } from './sign-statement.ts'
import { addQuantities, sameQuantities } from './quantities.ts'

/**
 * Checks a statement that somebody was sent, or that was read from a database: nothing in it was changed, added or
 * removed since it was made. With a public key also who made it.
 */
export function checkDocument(value: unknown, publicKey?: KeyObject): StatementCheck {
  const fault = findFormFault(value)
  if (fault) return { intact: false, statements: 1, lines: 0, findings: [fault], notes: [] }
  const document = value as StatementDocument
  const lines = document.accounts.flatMap((account) => account.lines)
  const wrongParts = [...findWrongAccounts(document), ...findWrongLines(document)]
  const findings = [
    ...findWrongHeader(document, publicKey),
    // a wrong line is named; the tree cannot fit then
    ...(wrongParts.length > 0 ? wrongParts : findWrongTree(document)),
  ]
  return {
    intact: findings.length === 0,
    statements: 1,
    lines: lines.length,
    findings,
    notes: noteOf(document, publicKey),
  }
}

function findWrongHeader(
  { statement, totals, hash, signature }: StatementDocument,
  publicKey?: KeyObject,
): string[] {
  const content = canonicalJson(statement)
  if (sha256(content) !== hash) return ['The header was changed: its hash is another one.']
  if (totals && sha256(canonicalJson(totals)) !== statement.totalsHash) return ['The totals were changed.']
  if (signature && !isSigned(content, signature)) return ['The signature does not fit the header.']
  if (!publicKey) return []
  if (!signature) return ['The statement is not signed.']
  return signature.publicKey === toBase64(publicKey)
    ? []
    : ['The statement was signed with another key than the one that this public key belongs to.']
}

function findWrongAccounts({ accounts }: StatementDocument): string[] {
  return accounts
    .filter((account) => !isBlanked(account) && hashNames(account) !== account.hash)
    .map(({ account, keyId }) => `Account ${account} (key ${keyId}): its names were changed.`)
}

function findWrongLines({ accounts }: StatementDocument): string[] {
  return accounts.flatMap((account) =>
    account.lines
      .filter((line) => hashLine(account, line) !== line.hash)
      .map(
        ({ line, method, endpoint, unit }) =>
          `Line ${line} (key ${account.keyId}, ${method} ${endpoint}, ${unit}): it was changed.`,
      ),
  )
}

function findWrongTree({ statement, totals, accounts, proof }: StatementDocument): string[] {
  const lines = accounts.flatMap((account) => account.lines)
  const leaves = lines.map(({ line, hash }) => ({ index: line - 1, hash: Buffer.from(hash, 'hex') }))
  const inOrder = leaves.every(({ index }, n) => n === 0 || leaves[n - 1]!.index < index)
  const root = inOrder ? rootFromProof(statement.lineCount, leaves, proof) : undefined
  if (root?.toString('hex') !== statement.linesHash) {
    return ['Lines were added, removed or exchanged: they do not fit the header.']
  }
  if (!totals) return []
  // made by a program that adds up in another way than this one
  const sumOf = (period: number) => addQuantities(lines.filter((line) => line.period === period))
  const isEqual =
    sameQuantities(sumOf(statement.number), totals.usage) &&
    totals.corrections.every((one) => sameQuantities(sumOf(one.statement), one.quantities))
  return isEqual ? [] : ['The totals are not the sums of the lines.']
}

function noteOf(
  { accounts, signature, statement, proof }: StatementDocument,
  publicKey?: KeyObject,
): string[] {
  const blanked = accounts.filter(isBlanked).length
  return [
    ...(proof.length > 0 ? [`These are some of the ${statement.lineCount} lines of the statement.`] : []),
    ...(blanked > 0 ? [`The names of ${blanked} accounts were blanked (keys forget).`] : []),
    ...(signature && !publicKey
      ? [`It is signed with the public key ${signature.publicKey}; check that this is the key of the sender.`]
      : []),
    ...(signature
      ? []
      : ['It is not signed: its hash must be compared with the one that the sender published.']),
  ]
}
