import type { IncomingMessage } from 'node:http'

/** What is noted on a request. */
export interface RequestMark {
  /** A middleware of ours has it already: nested apps may mount several. */
  seen: boolean
  /** It is our own and not one of the app's. */
  uncounted: boolean
  /** Tells what `setApiKey` was given; a function, because a logged request would show a secret itself. */
  readApiKey: (() => unknown) | undefined
}

/**
 * On the request and under a global symbol: nested apps and a second copy of this package see it too. That copy may be
 * of another version, so fields may be added and never changed.
 */
const MARK = Symbol.for('apikey-analytics.request')

/** The mark of a request, which is made when it is first asked for. */
export function markRequest(request: IncomingMessage): RequestMark {
  const marked = request as { [MARK]?: RequestMark }
  return (marked[MARK] ??= { seen: false, uncounted: false, readApiKey: undefined })
}
