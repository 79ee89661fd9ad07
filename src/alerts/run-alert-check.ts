import { AnalyticsError } from '../model/errors.ts'
import { isAtLeast } from '../model/severity.ts'
import type { Severity } from '../model/severity.ts'
import { noteUndelivered } from '../report/notes/note-undelivered.ts'
import { parseThresholds } from '../security/parse-thresholds.ts'
import { countWaitingElsewhere } from '../store/alerts/note-delivery.ts'
import type { Database } from '../store/database/open-database.ts'
import { parseInstant } from '../time/period.ts'
import { checkAlerts, DEFAULT_QUOTA_THRESHOLDS } from './check-alerts.ts'
import type { AlertCheck } from './check-alerts.ts'
import type { DeliveryOptions, WebhookSummary } from './deliver-alerts.ts'
import { readWebhooks } from './webhook.ts'
import { countOf } from '../terminal/format-number.ts'

/** The flags of `alerts check`, parsed. */
export interface AlertCheckFlags {
  readonly webhook?: readonly string[] | undefined
  readonly 'allow-http': boolean
  readonly at?: readonly string[] | undefined
  readonly only?: 'quotas' | 'security' | undefined
  readonly since?: string | undefined
  readonly threshold?: readonly string[] | undefined
  readonly 'min-severity'?: Severity | undefined
  readonly 'fail-on'?: Severity | undefined
  readonly 'dry-run': boolean
}

/** Where a check runs. */
export interface AlertCheckPlace {
  readonly dataDir: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly delivery?: DeliveryOptions
}

/** A check with what its output needs besides. */
export interface HeadedAlertCheck {
  readonly check: AlertCheck
  readonly databaseLabel: string
  readonly dataDir: string
  readonly dryRun: boolean
  readonly notes: readonly string[]
  /** What --fail-on names fired, or alerts could not be delivered. */
  readonly failed: boolean
}

/** Checks as the flags say. @throws WRONG_USAGE, ARGUMENT_INVALID */
export async function runAlertCheck(
  db: Database,
  flags: AlertCheckFlags,
  { dataDir, environment, delivery = {} }: AlertCheckPlace,
): Promise<HeadedAlertCheck> {
  requireUseful(flags)
  const now = new Date((delivery.now ?? Date.now)())
  const webhooks = await readWebhooks({
    given: flags.webhook ?? [],
    allowHttp: flags['allow-http'],
    environment,
  })
  const since = parseInstant(flags.since ?? '24h', 'UTC', now)
  const check = await checkAlerts(db, {
    thresholds: readPercents(flags.at),
    quotas: flags.only !== 'security',
    security: flags.only === 'quotas' ? undefined : { ...parseThresholds(flags.threshold), since },
    minSeverity: flags['min-severity'],
    webhooks,
    dryRun: flags['dry-run'],
    delivery,
  })
  const failOn = flags['fail-on']
  const elsewhere = await countWaitingElsewhere(
    db,
    webhooks.map(({ name }) => name),
  )
  return {
    check,
    databaseLabel: db.databaseLabel,
    dataDir,
    dryRun: flags['dry-run'],
    notes: [
      ...check.webhooks.flatMap(noteWebhook),
      ...elsewhere.map(
        ({ webhook, pending }) =>
          `${alerts(pending)} for "${webhook}": this check was not given that webhook.`,
      ),
      ...(await noteUndelivered(db, dataDir)),
    ],
    failed:
      (failOn !== undefined && check.fired.some(({ severity }) => isAtLeast(severity, failOn))) ||
      check.webhooks.some(isInTrouble),
  }
}

/** @throws WRONG_USAGE for a flag that would change nothing */
function requireUseful({ only, at, since, threshold }: AlertCheckFlags): void {
  const useless = only === 'quotas' ? (since && '--since') || (threshold && '--threshold') : at && '--at'
  if (only === undefined || useless === undefined) return
  throw new AnalyticsError('WRONG_USAGE', `${useless} changes nothing with --only ${only}. Leave one out.`)
}

function isInTrouble({ failed, pending, givenUp, disabled }: WebhookSummary): boolean {
  return (failed > 0 && pending > 0) || givenUp > 0 || disabled > 0
}

function noteWebhook(summary: WebhookSummary): string[] {
  const { webhook, pending, givenUp, disabled, lastError } = summary
  const reason = lastError === null ? '' : ` (${lastError})`
  const retry = `apikey-analytics alerts retry ${webhook}`
  return [
    ...(disabled > 0
      ? [
          `${webhook} answered 410 Gone, so nothing more is sent to it. ${alerts(disabled)}. When it is back, run "${retry}".`,
        ]
      : []),
    ...(pending > 0 ? [`${alerts(pending)} for ${webhook}${reason}: the next checks try again.`] : []),
    ...(givenUp > 0
      ? [`Gave up ${givenUp} for ${webhook}${reason}. To send them again, run "${retry}".`]
      : []),
  ]
}

function alerts(count: number): string {
  return countOf(count, 'alert waits', 'alerts wait')
}

/** `80,100` as whole numbers. @throws WRONG_USAGE */
function readPercents(texts: readonly string[] | undefined): number[] {
  if (texts === undefined) return DEFAULT_QUOTA_THRESHOLDS
  const percents = texts.map((text) => {
    if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 1000) return Number(text)
    throw new AnalyticsError(
      'WRONG_USAGE',
      `Cannot read "${text}" as percent of a limit. Use whole numbers from 1 to 1000, such as --at 50,80,100.`,
    )
  })
  return [...new Set(percents)]
}
