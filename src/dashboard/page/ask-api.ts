import type * as reports from '../../report/usage-report.ts'
import type { KeyIdentity, KeyRecord } from '../../usage.ts'
import type * as activities from '../read-activity.ts'

/** What the API answers to the page: plain data as JSON brings it, so times are ISO texts. */
type Told<T> = T extends Date ? string : T extends object ? { readonly [Name in keyof T]: Told<T[Name]> } : T

export type Key = KeyIdentity
export type KeyFacts = Told<KeyRecord>
export type Measures = Told<reports.Measures>
export type Group = Told<reports.ReportGroup>
/** A report of one section, as lists ask for it. */
export type Report = Told<Omit<reports.UsageReport, 'sections'> & { sections: [reports.ReportSection] }>
export type Activity = Told<activities.Activity>
/** What the page reads of an account. */
export interface Account {
  readonly accountedFor: boolean
  readonly database: string
  readonly storedRequests: number
  readonly missingRequests: number
  readonly undeliveredRequests: number
}

export type Parameters = Readonly<Record<string, string | undefined>>

/** What the API refused, with its code; `OFFLINE` when there was no answer. */
export class ApiError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Asks `api/<name>`. @throws ApiError */
export async function askApi<T>(name: string, parameters: Parameters, signal: AbortSignal): Promise<T> {
  const answer = await fetch(urlOf(name, parameters), { signal }).catch((error: unknown) => {
    if (signal.aborted) throw error
    throw new ApiError('OFFLINE', 'The server does not answer. Trying again …')
  })
  const body = (await answer.json().catch(() => ({}))) as T & { error?: { code: string; message: string } }
  if (answer.ok) return body
  throw new ApiError(
    body.error?.code ?? 'OFFLINE',
    body.error?.message ?? `The server answered ${answer.status}.`,
  )
}

/** The address of what `askApi` asks. */
export function urlOf(name: string, parameters: Parameters): string {
  const given = Object.entries(parameters).flatMap(([key, value]) => (value ? [[key, value]] : []))
  return `api/${name}?${new URLSearchParams(given)}`
}
