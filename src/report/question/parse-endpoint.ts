import { AnalyticsError } from '../../model/errors.ts'

/**
 * Parses `GET /users/:id` or `/users/:id`; the method may also be given separately. @throws WRONG_USAGE when they
 * differ
 */
export function parseEndpoint(
  endpoint: string | undefined,
  method: string | undefined,
): { endpoint: string | undefined; method: string | undefined } {
  const [, written, pattern = endpoint] = /^([A-Za-z_]+) +(\S.*)$/.exec(endpoint ?? '') ?? []
  const methods = new Set(
    [written, method].filter((name) => name !== undefined).map((name) => name.toUpperCase()),
  )
  if (methods.size > 1) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      `The endpoint names ${written}, and the method is ${method}. Use one of them.`,
    )
  }
  const [only] = methods
  return { endpoint: pattern, method: only }
}
