import type * as reports from '../../report/usage/usage-report.ts'
import type { Amount } from '../../report/usage/amount.ts'
import type { KeyIdentity, KeyOwner, KeyRecord } from '../../model/key.ts'
import type * as customers from '../../report/customers/customers-report.ts'
import type * as listed from '../../report/quotas/listed-quota.ts'
import type * as alertLists from '../../alerts/alert-list.ts'
import type * as activities from '../read-activity.ts'
import type { ShownRoutes } from '../../model/route.ts'
import type { StatementCustomers } from '../statements/statement-answers.ts'
import type { Sent } from './sent.ts'
import type * as security from '../../security/find-findings.ts'

/** The answers of the API as the page gets them. */
export type Key = KeyIdentity
export type KeyFacts = Sent<
  KeyRecord & { readonly owners: readonly KeyOwner[]; readonly line?: readonly KeyRecord[] }
>
/** Requests, or a quantity. */
export type SentAmount = Sent<Amount>
export type Measures = Sent<reports.Measures>
/** A line of a list: a key, an endpoint, or a customer with its number of keys. */
export type Group = Sent<reports.ReportGroup & { readonly keys?: number }>
/** A report of one section, as the lists use it. */
export type Report = Sent<Omit<reports.UsageReport, 'sections'> & { sections: [reports.ReportSection] }>
export type Customers = Sent<customers.Customers>
export type Activity = Sent<activities.Activity>
export type Findings = Sent<security.SecurityFindings>
export type Finding = Findings['findings'][number]
/** Quotas are texts in JSON: they may be more than a number can hold. */
export type Quotas = Sent<
  Omit<listed.MostUsedQuotas, 'quotas'> & { readonly quotas: readonly WithTexts<listed.ListedQuota>[] }
>
export type Quota = Quotas['quotas'][number]
type WithTexts<T> = { readonly [Name in keyof T]: T[Name] extends bigint ? string : T[Name] }
export type Routes = Sent<ShownRoutes>
export type Route = Routes['deprecated'][number]
export type Alerts = Sent<alertLists.AlertList>
export type Alert = Alerts['alerts'][number]
export type AlertDelivery = Alert['deliveries'][number]
/**
 * The part of an account that the page uses. Its type in `read-account.ts` would bring the types of the database drivers
 * into the page.
 */
export interface Account {
  readonly accountedFor: boolean
  readonly database: string
  readonly storedRequests: number
  readonly missingRequests: number
  readonly undeliveredRequests: number
  readonly units: readonly { readonly unit: string }[]
}

export type {
  ListedStatement,
  ShownLine,
  ShownStatement,
  StatementCustomers,
  StatementList,
} from '../statements/statement-answers.ts'
export type BilledCustomer = StatementCustomers['customers'][number]

export type ApiParameters = Readonly<Record<string, string | undefined>>

/** An error from the API, with its code; `OFFLINE` when there was no answer. */
export class ApiError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Asks `api/<name>`. @throws ApiError */
export async function askApi<T>(name: string, parameters: ApiParameters, signal: AbortSignal): Promise<T> {
  const answer = await fetch(urlOf(name, parameters), { signal }).catch((error: unknown) => {
    if (signal.aborted) throw error
    throw new ApiError('OFFLINE', 'The server does not answer. Trying again …')
  })
  const body = await readBody<T>(answer)
  if (answer.ok && body) return body
  if (answer.ok) throw new ApiError('OFFLINE', describeStranger(name, answer))
  throw new ApiError(
    body?.error?.code ?? 'OFFLINE',
    body?.error?.message ?? `The server answered ${answer.status}.`,
  )
}

type Body<T> = T & { readonly error?: { readonly code: string; readonly message: string } }

/** Undefined when it is no JSON object, as when the dashboard itself did not answer. */
async function readBody<T>(answer: Response): Promise<Body<T> | undefined> {
  const body: unknown = await answer.json().catch(() => undefined)
  return typeof body === 'object' && body !== null ? (body as Body<T>) : undefined
}

function describeStranger(name: string, { headers, redirected }: Response): string {
  const what = headers.get('Content-Type') ?? 'no type'
  const how = redirected ? ', after a redirect' : ''
  return `api/${name} was not answered by the dashboard (${what}${how}). Reload the page: a login or a proxy may be in between. Trying again …`
}

/** The URL of a request to the API. */
export function urlOf(name: string, parameters: ApiParameters): string {
  const given = Object.entries(parameters).flatMap(([key, value]) => (value ? [[key, value]] : []))
  return `api/${name}?${new URLSearchParams(given)}`
}
