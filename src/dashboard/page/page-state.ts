import type { Layout } from './layout.ts'
import type { View } from './view.ts'

/** The state of the page. Everything else that it shows is in its address or comes from the API. */
export interface Page {
  readonly layout: Layout
  /** What the address says. */
  view: View
  /** The load that runs; the next one aborts it. */
  loading: AbortController
  /** The timer of the next load. */
  timer: number | undefined
}

/** Whether the page loads again by itself. */
export function isLive({ view }: Page): boolean {
  return view['live'] !== 'off'
}

/** Whether the page shows how long requests took; a unit has no durations. */
export function isTimed({ view }: Page): boolean {
  return Boolean(view['latency']) && !view['unit']
}
