import type { KeyObject } from 'node:crypto'
import { canonicalJson, sha256 } from '../../json/canonical-json.ts'
import { PeriodSums } from '../../model/period-sums.ts'
import { sameQuantities } from '../../model/quantities.ts'
import type { AccountWithLines, StatementCheck, StatementDocument } from '../../model/statement.ts'
import { PackedHashes, rootFromProof } from '../statement/hash-tree.ts'
import { hashLine, hashNames, isBlanked } from '../statement/seal-statement.ts'
import { isSigned, toBase64 } from '../statement/sign-statement.ts'
import { FindingList } from './finding-list.ts'
import { findAccountFault, findFormFault } from './statement-form.ts'

/** A document without its accounts, which were added before. */
type DocumentHead = Omit<StatementDocument, 'accounts'>

/** Checks a statement account by account, so that it need not be in memory as a whole. */
export class DocumentCheck {
  readonly #publicKey: KeyObject | undefined
  readonly #wrongParts = new FindingList()
  /** The first account that has not the form of one; the rest is not read then. */
  #fault: string | undefined
  #blanked = 0
  readonly #lines: number[] = []
  readonly #hashes = new PackedHashes()
  readonly #sums = new PeriodSums()

  constructor(publicKey?: KeyObject) {
    this.#publicKey = publicKey
  }

  addAccount(value: unknown): void {
    this.#fault ??= findAccountFault(value)
    if (this.#fault !== undefined) return
    const account = value as AccountWithLines
    const { account: number, keyId, hash: names, lines } = account
    if (isBlanked(account)) this.#blanked += 1
    else if (hashNames(account) !== names)
      this.#wrongParts.add(`Account ${number} (key ${keyId}): its names were changed.`)
    for (const line of lines) {
      const { line: index, method, endpoint, unit, hash } = line
      if (hashLine(account, line) !== hash)
        this.#wrongParts.add(`Line ${index} (key ${keyId}, ${method} ${endpoint}, ${unit}): it was changed.`)
      this.#lines.push(index - 1)
      this.#hashes.add(hash)
      this.#sums.add(line)
    }
  }

  /** The result, after all accounts. `value` is the document without them, or undefined when it is no object. */
  finish(value: Readonly<Record<string, unknown>> | undefined): StatementCheck {
    const fault = value ? findFormFault(value) : 'This is not a statement: it is not a JSON object.'
    const first = fault ?? this.#fault
    if (first !== undefined) return { intact: false, statements: 1, lines: 0, findings: [first], notes: [] }
    const head = value as unknown as DocumentHead
    const findings = new FindingList()
    findings.add(...this.#findWrongHeader(head))
    // a wrong line is named; the tree cannot fit then
    if (this.#wrongParts.count === 0) findings.add(...this.#findWrongTree(head))
    return {
      intact: findings.count + this.#wrongParts.count === 0,
      statements: 1,
      lines: this.#lines.length,
      findings: [...findings.list(), ...this.#wrongParts.list()],
      notes: this.#noteOf(head),
    }
  }

  #findWrongHeader({ statement, totals, hash, signature }: DocumentHead): string[] {
    const content = canonicalJson(statement)
    if (sha256(content) !== hash) return ['The header was changed: its hash is another one.']
    if (totals && sha256(canonicalJson(totals)) !== statement.totalsHash) return ['The totals were changed.']
    if (signature && !isSigned(content, signature)) return ['The signature does not fit the header.']
    if (!this.#publicKey) return []
    if (!signature) return ['The statement is not signed.']
    return signature.publicKey === toBase64(this.#publicKey)
      ? []
      : ['The statement was signed with another key than the one that this public key belongs to.']
  }

  #findWrongTree({ statement, totals, proof }: DocumentHead): string[] {
    const root = rootFromProof(statement.lineCount, this.#lines, this.#hashes.bytes(), proof)
    if (root?.toString('hex') !== statement.linesHash) {
      return ['Lines were added, removed or exchanged: they do not fit the header.']
    }
    if (!totals) return []
    // made by a program that adds up in another way than this one
    const isEqual =
      sameQuantities(this.#sums.of(statement.number), totals.usage) &&
      totals.corrections.every((one) => sameQuantities(this.#sums.of(one.statement), one.quantities))
    return isEqual ? [] : ['The totals are not the sums of the lines.']
  }

  #noteOf({ signature, statement, proof }: DocumentHead): string[] {
    return [
      ...(proof.length > 0 ? [`These are some of the ${statement.lineCount} lines of the statement.`] : []),
      ...(this.#blanked > 0 ? [`The names of ${this.#blanked} accounts were blanked (keys forget).`] : []),
      ...(signature && !this.#publicKey
        ? [
            `It is signed with the public key ${signature.publicKey}; check that this is the key of the sender.`,
          ]
        : []),
      ...(signature
        ? []
        : ['It is not signed: its hash must be compared with the one that the sender published.']),
    ]
  }
}
