import { AnalyticsError } from '../../model/errors.ts'
import type { ClosedStatement } from '../../model/closing.ts'
import { keepYoungSpaceSmall } from '../../store/read/keep-young-space-small.ts'
import { parseStatus } from '../../report/question/parse-filter.ts'
import type { Database } from '../../store/database/open-database.ts'
import { parseBillingPeriod } from '../billing-period.ts'
import { readTextFile } from '../../options/read-text-file.ts'
import { closePeriod } from './close-period.ts'
import { describeQuantities } from '../../model/quantities.ts'
import { parseAcceptMissing } from './missing-counts.ts'
import { readPrivateKey } from '../statement/sign-statement.ts'
import { countOf } from '../../terminal/format-number.ts'

/** The flags of `close`, parsed. */
export interface CloseFlags {
  readonly month?: string | undefined
  readonly week?: string | undefined
  readonly day?: string | undefined
  readonly tz: string
  readonly billable: readonly string[]
  readonly 'accept-missing'?: readonly string[] | undefined
  readonly sign?: string | undefined
  readonly 'dry-run': boolean
}

/** Closes a period as the flags say. @throws CLOSE_REFUSED, WRONG_USAGE */
export async function runClose(
  db: Database,
  dataDir: string,
  flags: CloseFlags,
  signal?: AbortSignal,
): Promise<{ text: string; warnings: readonly string[]; refused: boolean; result: object }> {
  keepYoungSpaceSmall()
  const { sign } = flags
  const period = parseBillingPeriod({ ...flags, timeZone: flags.tz })
  const order = {
    period,
    billable: flags.billable.map((text) => String(parseStatus(text))),
    acceptMissing: parseAcceptMissing(flags['accept-missing'] ?? []),
    dryRun: flags['dry-run'],
    ...(sign !== undefined && { privateKey: readPrivateKey(await readTextFile(sign, 'Check --sign.')) }),
    ...(signal && { signal }),
  }
  const closed = await closePeriod(db, dataDir, order).catch((error: unknown) => {
    // a refusal or a cut connection is no interruption: after a cut nobody knows that nothing was changed
    throw signal?.aborted && !(error instanceof AnalyticsError) ? interrupted(period.label, error) : error
  })
  const { refusals, warnings } = closed
  return { text: describe(closed), warnings, refused: refusals.length > 0, result: closed }
}

function describe({ statement, totals, hash, signature, stored, refusals }: ClosedStatement): string {
  const { number, period, corrects, lineCount } = statement
  const { usage, corrections, accountCount, acceptedMissing } = totals
  const head = stored
    ? `Closed ${period.label} (${period.timeZone}) as statement ${number}.`
    : `Would close ${period.label} (${period.timeZone}) as statement ${number}. Nothing was changed.`
  return [
    head,
    `  ${describeQuantities(usage)}; ${countOf(lineCount, 'line')} of ${countOf(accountCount, 'key')}`,
    ...corrects.map(
      (one, n) =>
        `  correction of ${one.period.label} (statement ${one.statement}): ${describeQuantities(corrections[n]!.quantities)}`,
    ),
    ...(Object.keys(acceptedMissing).length > 0
      ? [`  without ${describeQuantities(acceptedMissing)} that never arrived`]
      : []),
    ...(stored ? [`  hash ${hash}${signature ? ', signed' : ''}`] : []),
    ...refusals.map((reason) => `Refused: ${reason}`),
    '',
  ].join('\n')
}

function interrupted(label: string, cause: unknown): AnalyticsError {
  return new AnalyticsError(
    'CLOSE_REFUSED',
    `Interrupted: ${label} is not closed, and nothing was changed. Run it again.`,
    { cause },
  )
}
