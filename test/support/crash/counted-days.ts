import { readFileSync } from 'node:fs'

export const FIRST_DAY = Date.UTC(2026, 0, 1)
export const DAY_MS = 86_400_000
/** Tokens of each request: set before it is counted, and added after it. */
export const TOKENS_AT_ONCE = 5
export const TOKENS_LATE = 2

/** What `processes/count-days.ts` is told. */
export interface CountDaysOptions {
  readonly database: string
  readonly dataDir: string
  /** File with the number of the day that it counts on; 0 is 1 January 2026. */
  readonly today: string
  /** File that gets a line for every count. */
  readonly noted: string
  readonly seed: number
  /** It counts so many requests, faster than anything is delivered, and dies. */
  readonly dieAfter?: number
}

/** The label of a day: `2026-01-01` for 0. */
export function labelOfDay(day: number): string {
  return new Date(FIRST_DAY + day * DAY_MS).toISOString().slice(0, 10)
}

/** What processes noted, summed up by day, key, endpoint and unit; and what has a status that is not billed, by unit. */
export interface NotedCounts {
  readonly billable: Map<string, number>
  readonly other: Map<string, number>
}

/** Adds up the notes of processes that counted. A kill can cut a note, at the border of a page of the file. */
export function readNotedCounts(files: readonly string[]): NotedCounts {
  const sums: NotedCounts = { billable: new Map(), other: new Map() }
  const add = (map: Map<string, number>, name: string, quantity: number) =>
    map.set(name, (map.get(name) ?? 0) + quantity)
  for (const line of files.flatMap((file) => readFileSync(file, 'utf8').split('\n'))) {
    if (!line.endsWith(';')) continue
    const [day, key, endpoint, status, requests, tokens] = line.slice(0, -1).split(' ')
    for (const [unit, quantity] of [
      ['requests', Number(requests)],
      ['tokens', Number(tokens)],
    ] as const) {
      if (quantity === 0) continue
      const name = `${labelOfDay(Number(day))} ${key} ${endpoint} ${unit}`
      if (status === '200') add(sums.billable, name, quantity)
      else add(sums.other, unit, quantity)
    }
  }
  return sums
}
