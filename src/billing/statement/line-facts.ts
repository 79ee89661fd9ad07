import type { AccountNames, StatementHeader, StatementLine, StatementPeriod } from '../../model/statement.ts'

/** The period of a line: that of the statement, or an earlier one that it corrects. */
export function periodOf(
  { number, period, corrects }: StatementHeader,
  line: Pick<StatementLine, 'period'>,
): StatementPeriod {
  if (line.period === number) return period
  return corrects.find(({ statement }) => statement === line.period)?.period ?? period
}

/** What a line is. */
export function kindOf(
  { number }: StatementHeader,
  line: Pick<StatementLine, 'period'>,
): 'usage' | 'correction' {
  return line.period === number ? 'usage' : 'correction'
}

/** The name that people know a key by. */
export function nameOfAccount({
  name,
  label,
  keyId,
}: Pick<AccountNames, 'name' | 'label'> & { readonly keyId: string }): string {
  return name ?? label ?? keyId
}
