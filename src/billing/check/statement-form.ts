/** Finds what is not of the form of a statement, so that the rest of a check may rely on it. */

type Test = (value: unknown) => boolean
type Form = { readonly [name: string]: Test }

/** Canonical JSON has no lone surrogates. */
const isText: Test = (value) => typeof value === 'string' && value.isWellFormed()
const isWhole: Test = (value) => Number.isSafeInteger(value) && (value as number) >= 0
/** As many as the database can number, and as a tree can have. */
const isLineNumber: Test = (value) => isWhole(value) && (value as number) < 2 ** 31
const isHash: Test = (value) => typeof value === 'string' && /^[\da-f]{64}$/.test(value)
const isInstant: Test = (value) =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value)) && new Date(value).toISOString() === value
const isQuantity: Test = (value) => typeof value === 'string' && /^(0|-?[1-9]\d{0,39})$/.test(value)
const is =
  (...values: unknown[]): Test =>
  (value) =>
    values.includes(value)
const orNull =
  (test: Test): Test =>
  (value) =>
    value === null || test(value)
const listOf =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.every(test)
const form =
  (fields: Form): Test =>
  (value) =>
    isObject(value) &&
    Object.keys(value).length === Object.keys(fields).length &&
    Object.entries(fields).every(([name, test]) => Object.hasOwn(value, name) && test(value[name]))
const isQuantities: Test = (value) =>
  isObject(value) && Object.entries(value).every(([unit, quantity]) => isText(unit) && isQuantity(quantity))

const isPeriod = form({
  label: isText,
  unit: is('month', 'week', 'day'),
  since: isInstant,
  until: isInstant,
  timeZone: isText,
})

const isHeader = form({
  format: is(1),
  kind: is('statement'),
  sequence: isWhole,
  number: isWhole,
  period: isPeriod,
  billable: listOf(isText),
  closedAt: isInstant,
  database: isText,
  corrects: listOf(form({ statement: isWhole, period: isPeriod })),
  lineCount: isLineNumber,
  linesHash: isHash,
  totalsHash: isHash,
  previousHash: orNull(isHash),
})

const isTotals = form({
  salt: isText,
  usage: isQuantities,
  corrections: listOf(form({ statement: isWhole, quantities: isQuantities })),
  accountCount: isWhole,
  acceptedMissing: isQuantities,
  missing: listOf(form({ instance: isText, unit: isText, quantity: isQuantity })),
  ledger: listOf(form({ instance: isText, sequence: isWhole, requests: isWhole })),
})

const isSignature = form({ algorithm: is('Ed25519'), publicKey: isText, value: isText })

const LINE = {
  line: isLineNumber,
  period: isWhole,
  ownerSince: orNull(isInstant),
  method: isText,
  endpoint: isText,
  unit: isText,
  quantity: isQuantity,
  hash: isHash,
}

const isLine = form(LINE)

const isAccount = form({
  account: isWhole,
  keyId: isText,
  label: orNull(isText),
  name: orNull(isText),
  owner: orNull(isText),
  salt: orNull(isText),
  hash: isHash,
  lines: Array.isArray,
})

/** The first fault of a document, all but what is in its accounts; undefined when it has the form of a statement. */
export function findFormFault(document: Readonly<Record<string, unknown>>): string | undefined {
  const { statement, totals, hash, signature, accounts, proof, ...rest } = document
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined)
    return `This is not a statement as it was made: the field "${unknown}" was added.`
  if (!isObject(statement)) return 'This is not a statement: its header is missing.'
  if (statement['format'] !== 1) return 'This statement has a newer form. Upgrade this package to check it.'
  if (!isHeader(statement)) return 'The header was changed: a field is missing, added or of another type.'
  if (!orNull(isTotals)(totals))
    return 'The totals were changed: a field is missing, added or of another type.'
  if (!isHash(hash)) return 'The hash of the header was changed.'
  if (!orNull(isSignature)(signature)) return 'The signature was changed.'
  if (!listOf(isHash)(proof)) return 'The proof was changed: it is not a list of hashes.'
  if ((totals === null) !== (proof as unknown[]).length > 0) {
    return 'A whole statement has totals, and a part of one has a proof instead: one of them was added or removed.'
  }
  return Array.isArray(accounts) ? undefined : 'The accounts are missing.'
}

/** The first fault of an account with its lines. */
export function findAccountFault(account: unknown): string | undefined {
  if (!isAccount(account)) return 'An account was changed: a field is missing, added or of another type.'
  const { lines } = account as { readonly lines: readonly unknown[] }
  const wrong = lines.findIndex((line) => !isLine(line))
  return wrong < 0
    ? undefined
    : `Line ${nameOfLine(lines[wrong])}: a field is missing, added or of another type.`
}

function nameOfLine(line: unknown): string {
  return isObject(line) && isWhole(line['line']) ? String(line['line']) : '(without a number)'
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
