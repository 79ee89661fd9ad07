import type { Operation } from '../model/operation.ts'
import { EVERY_METHOD } from '../model/route.ts'
import type { Deprecation } from '../model/route.ts'
import { writeDeprecation } from '../web/deprecation-headers.ts'
import type { DeprecationHeaders } from '../web/deprecation-headers.ts'

/** Keeps the headers of the deprecated operations in memory. */
export class DeprecationWatch {
  #byEndpoint = new Map<string, Map<string, DeprecationHeaders>>()

  /** Takes over what the database has. */
  replace(deprecations: readonly Deprecation[]): void {
    const byEndpoint = new Map<string, Map<string, DeprecationHeaders>>()
    for (const deprecation of deprecations) {
      const { endpoint, method } = deprecation
      const methods = byEndpoint.get(endpoint) ?? new Map<string, DeprecationHeaders>()
      byEndpoint.set(endpoint, methods.set(method, writeDeprecation(deprecation)))
    }
    this.#byEndpoint = byEndpoint
  }

  /** The headers of an operation. Most endpoints are not deprecated: then it is one look-up. */
  headersOf({ endpoint, method }: Operation): DeprecationHeaders | undefined {
    const methods = this.#byEndpoint.get(endpoint)
    return (
      methods &&
      (methods.get(method) ??
        (method === 'HEAD' ? methods.get('GET') : undefined) ??
        methods.get(EVERY_METHOD))
    )
  }
}
