import type { AnalyticsError } from '../model/errors.ts'

/** Neither an `onError` that throws nor one that returns a rejected promise may hurt the app. */
export function contain(tell: (error: AnalyticsError) => unknown): (error: AnalyticsError) => void {
  return (failure) => {
    try {
      const told = tell(failure)
      if (told instanceof Promise) told.catch(() => {})
    } catch {
      // There is nobody left to tell.
    }
  }
}

/** What tells errors when nobody else wants to. */
export function warnOncePerCode(): (error: AnalyticsError) => void {
  const warned = new Set<string>()
  return (error) => {
    if (warned.has(error.code)) return
    warned.add(error.code)
    process.emitWarning(error.message, { type: 'ApiKeyAnalyticsWarning', code: error.code })
  }
}
