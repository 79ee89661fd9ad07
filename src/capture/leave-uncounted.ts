import type { IncomingMessage } from 'node:http'

/** Global, so that a second copy of this package sees it too. */
const UNCOUNTED = Symbol.for('apikey-analytics.uncounted')

/** Says that a request is our own and not one of the app's, wherever it came in. */
export function leaveUncounted(request: IncomingMessage): void {
  Object.assign(request, { [UNCOUNTED]: true })
}

/** Whether `leaveUncounted` was called for a request. */
export function isLeftUncounted(request: IncomingMessage): boolean {
  return UNCOUNTED in request
}
