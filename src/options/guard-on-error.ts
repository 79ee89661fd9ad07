import type { AnalyticsError } from '../model/errors.ts'

/** Wraps the app's `onError`: if it throws, or returns a promise that rejects, the app does not notice. */
export function guardOnError(onError: (error: AnalyticsError) => unknown): (error: AnalyticsError) => void {
  return (reported) => {
    try {
      const result = onError(reported)
      if (result instanceof Promise) result.catch(() => {})
    } catch {
      // An error of `onError` itself cannot be reported anywhere else.
    }
  }
}

/** Default `onError`: one process warning per code. */
export function warnOncePerCode(): (error: AnalyticsError) => void {
  const warned = new Set<string>()
  return (error) => {
    if (warned.has(error.code)) return
    warned.add(error.code)
    process.emitWarning(error.message, { type: 'ApiKeyAnalyticsWarning', code: error.code })
  }
}
