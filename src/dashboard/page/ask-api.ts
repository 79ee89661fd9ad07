/** What the API answers, as far as the page reads it; times are ISO texts. */
export interface Measures {
  readonly requests: number
  readonly clientErrors: number
  readonly serverErrors: number
  readonly rejected: number
  readonly errorRate: number
  readonly meanDurationMs: number
  readonly lastUsed: string | null
}
export interface Key {
  readonly id: string
  readonly label: string
  readonly name: string | null
  readonly owner: string | null
}
export interface KeyFacts extends Key {
  readonly firstSeenAt: string
  readonly lastUsedAt: string
}
export interface Group extends Measures {
  readonly key?: Key
  readonly method?: string
  readonly endpoint?: string
  readonly share: number
  readonly trend?: readonly number[]
}
export interface Report {
  readonly database: string
  readonly sections: readonly [{ readonly groupCount: number; readonly groups: readonly Group[] }]
  readonly notes: readonly string[]
}
export interface Activity {
  readonly period: { readonly text: string; readonly timeZone: string }
  readonly total: Measures
  readonly activeKeys: number
  readonly previous: (Measures & { readonly activeKeys: number }) | null
  readonly series: {
    readonly unit: 'hour' | 'day' | 'week' | 'month'
    readonly steps: readonly { readonly start: string; readonly statuses: readonly number[] }[]
  }
  readonly statuses: readonly { readonly status: number; readonly requests: number }[]
  readonly heat: readonly (readonly number[])[] | null
  readonly wholeDayRequests: number
}
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
