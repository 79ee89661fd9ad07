import { formatInstant } from '../../time/calendar.ts'
import { escapeTerminal } from '../../terminal/escape-terminal.ts'
import { countOf, formatCount } from '../../terminal/format-number.ts'
import { describeElsewhere } from '../notes/note-undelivered.ts'
import type { Account } from './read-account.ts'
import { renderHeading } from '../render/render-report.ts'
import { renderTable } from '../render/render-table.ts'
import { paint, wrap } from '../../terminal/screen.ts'
import type { Screen } from '../../terminal/screen.ts'
import type { Column, ReportTable } from '../render/report-table.ts'
import type { LateUsage } from '../../store/read/list-late-usage.ts'
import type { BillingAccount } from '../../store/verify/verify-statements.ts'
import type { ImportAccount } from '../../store/imports/balance-imports.ts'
import type { InstanceAccount } from '../../store/verify/verify-usage.ts'
import { renderNotes } from '../render/render-notes.ts'

/** Renders an account, with the result as its last line. */
export function renderAccount(account: Account, screen: Screen): string {
  const { database: databaseLabel, dataDir, late } = account
  const short = account.instances.filter(({ missingRequests }) => missingRequests > 0)
  const parts = [
    renderHeading(
      { title: 'Where every counted request is', databaseLabel, dataDir },
      'times in UTC',
      screen,
    ),
    ...renderNotes(account.notes, screen),
    renderTable(balanceTable(account), screen),
    ...(account.units.length + Object.keys(account.undeliveredQuantities).length > 0
      ? [renderTable(unitsTable(account), screen)]
      : []),
    ...(account.imports.length > 0 ? [renderTable(importsTable(account.imports), screen)] : []),
    ...(account.billing ? [renderTable(billingTable(account.billing), screen)] : []),
    ...(short.length > 0 ? [renderTable(missingTable(short), screen)] : []),
    ...account.elsewhere.map(
      (other) => `${wrap(escapeTerminal(describeElsewhere(other, dataDir)), screen)}\n`,
    ),
    ...account.setAside.map((file) => `${wrap(escapeTerminal(`Set aside: ${file}`), screen)}\n`),
    ...account.unreadable.map((file) => `${wrap(escapeTerminal(`Unreadable: ${file}`), screen)}\n`),
    ...late.map((one) => `${wrap(describeLate(one), screen)}\n`),
    `${paint(account.accountedFor ? 'green' : 'red', wrap(describeVerdict(account), screen), screen)}\n`,
  ]
  return parts.join('\n')
}

function balanceTable(account: Account): ReportTable {
  const columns: Column[] = [
    { name: 'what', title: 'What', kind: 'text' },
    { name: 'requests', title: 'Requests', kind: 'count' },
  ]
  const rows = [
    ['In the table', account.storedRequests],
    ['Pruned or forgotten on purpose', account.prunedRequests],
    ['Delivered, as the ledger has it', account.deliveredRequests],
    ['Missing: counted, never delivered', account.missingRequests],
    ['Not delivered yet, on this machine', account.undeliveredRequests],
  ]
  return { columns, rows }
}

/** A unit that was never delivered. */
const NO_UNIT = { stored: 0n, pruned: 0n, delivered: 0n, missing: 0n }

function unitsTable({ units, undeliveredQuantities }: Account): ReportTable {
  return {
    title: 'Units',
    columns: [
      { name: 'unit', title: 'Unit', kind: 'text' },
      { name: 'stored', title: 'In the table', kind: 'count' },
      { name: 'pruned', title: 'Pruned', kind: 'count' },
      { name: 'delivered', title: 'Delivered', kind: 'count' },
      { name: 'missing', title: 'Missing', kind: 'count' },
      { name: 'undelivered', title: 'Not delivered yet', kind: 'count' },
    ],
    rows: [...new Set([...units.map(({ unit }) => unit), ...Object.keys(undeliveredQuantities)])].map(
      (name) => {
        const { stored, pruned, delivered, missing } = units.find(({ unit }) => unit === name) ?? NO_UNIT
        return [name, stored, pruned, delivered, missing, undeliveredQuantities[name] ?? 0n]
      },
    ),
  }
}

function importsTable(imports: readonly ImportAccount[]): ReportTable {
  return {
    title: 'Imported, not counted: nobody can prove these',
    columns: [
      { name: 'import', title: 'Import', kind: 'text' },
      { name: 'name', title: 'Name', kind: 'text', dropFirst: 1 },
      { name: 'unit', title: 'Unit', kind: 'text' },
      { name: 'stored', title: 'In the table', kind: 'count' },
      { name: 'removed', title: 'Pruned', kind: 'count' },
      { name: 'brought', title: 'Imported', kind: 'count' },
    ],
    rows: imports.map(({ import: id, name, unit, stored, removed, brought }) => [
      String(id),
      name ?? '(unknown)',
      unit,
      stored,
      removed,
      brought,
    ]),
  }
}

function billingTable({ statements, units }: BillingAccount): ReportTable {
  const count = countOf(statements, 'statement')
  return {
    title: `Billed by ${count}`,
    columns: [
      { name: 'unit', title: 'Unit', kind: 'text' },
      { name: 'billed', title: 'Billed', kind: 'count' },
      { name: 'notBilledYet', title: 'Not billed yet', kind: 'count' },
      { name: 'notBillable', title: 'Not billable', kind: 'count' },
      { name: 'delivered', title: 'Delivered', kind: 'count' },
    ],
    rows: units.map(({ unit, ...sums }) => [
      unit,
      ...[sums.billed, sums.notBilledYet, sums.notBillable, sums.delivered].map(BigInt),
    ]),
  }
}

function missingTable(instances: readonly InstanceAccount[]): ReportTable {
  return {
    title: 'Missing',
    columns: [
      { name: 'instance', title: 'Instance', kind: 'text' },
      { name: 'missing', title: 'Requests', kind: 'count' },
      { name: 'which', title: 'As it counted them', kind: 'text', dropFirst: 2 },
      { name: 'updatedAt', title: 'Last delivery', kind: 'time', dropFirst: 1 },
    ],
    rows: instances.map(({ instance, missingRequests, missing, updatedAt }) => [
      instance,
      missingRequests,
      missing.map(({ from, to }) => `${formatCount(from)} to ${formatCount(to)}`).join(', '),
      updatedAt,
    ]),
  }
}

function describeLate({ action, before, keyId, requests }: LateUsage): string {
  const whose = keyId ? ` of key ${keyId}` : ''
  const done = action === 'prune' ? 'pruned' : 'rolled up'
  return `Late: ${countOf(requests, 'request')}${whose} from before ${formatInstant(before, 'UTC')} came after that time was ${done}. ${requests === 1 ? 'It is' : 'They are'} stored.`
}

function describeVerdict({
  accountedFor,
  balanced,
  billing,
  storedRequests,
  prunedRequests,
  wrongHistograms = 0,
  ...rest
}: Account): string {
  if (accountedFor) return 'OK: every counted request is accounted for.'
  const unbalanced = rest.units.filter((unit) => !unit.balanced)
  const lacking = rest.units.filter(({ missing }) => missing !== 0n)
  const findings = [
    !balanced &&
      storedRequests + prunedRequests !== rest.deliveredRequests &&
      `the table and what was pruned differ from what was delivered by ${formatCount(storedRequests + prunedRequests - rest.deliveredRequests)}: rows were changed by hand`,
    ...unbalanced.map(
      ({ unit, stored, pruned, delivered }) =>
        `the table and what was pruned of ${unit} differ from what was delivered by ${formatCount(stored + pruned - delivered)}: rows were changed by hand`,
    ),
    ...rest.imports
      .filter((one) => !one.balanced)
      .map(
        ({ import: id, unit, stored, removed, brought }) =>
          `the table and what was pruned of import ${id} differ from the ${unit} that it brought by ${formatCount(stored + removed - brought)}: rows were changed by hand`,
      ),
    billing && describeWrongBilling(billing),
    wrongHistograms > 0 && describeWrongHistograms(wrongHistograms),
    rest.missingRequests > 0 && `${countOf(rest.missingRequests, 'request is', 'requests are')} missing`,
    ...lacking.map(({ unit, missing }) => `${formatCount(missing)} ${unit} are missing`),
    rest.setAside.length > 0 &&
      `${countOf(rest.setAside.length, 'file was', 'files were')} set aside ("apikey-analytics flush --set-aside" delivers batches)`,
    rest.unreadable.length > 0 && `${countOf(rest.unreadable.length, 'counter file')} cannot be read`,
  ]
  return `NOT OK: ${findings.filter(Boolean).join('; ')}.`
}

function describeWrongBilling({ faults }: BillingAccount): string | false {
  if (faults.length === 0) return false
  return `the statements, or what they billed, were changed: ${faults.map((fault) => fault.replace(/\.$/, '')).join(', ')} ("apikey-analytics statements check" says more)`
}

function describeWrongHistograms(rows: number): string {
  const them = countOf(rows, 'row has', 'rows have')
  return `${them} durations of more or fewer requests than ${rows === 1 ? 'it counts' : 'they count'}`
}
