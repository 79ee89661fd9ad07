import { countLayers, listRoutes } from './list-routes.ts'
import { AnalyticsError } from '../model/errors.ts'
import { MOST_ROUTES } from '../model/route.ts'
import type { RouteRegistration } from '../model/route.ts'
import type { ResolvedOptions } from '../options/options.ts'
import { DAY_MS } from '../time/units.ts'

export interface RouteRegistryParts {
  readonly options: ResolvedOptions
  readonly register: (registration: RouteRegistration) => Promise<void>
  readonly report: (error: AnalyticsError) => void
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Registers the routes of the app: with the first flush, when routers got more routes, and once a day. */
export class RouteRegistry {
  readonly #parts: RouteRegistryParts
  #registeredAt = -Infinity
  #layers = 0
  #hasWarned = false

  constructor(parts: RouteRegistryParts) {
    this.#parts = parts
  }

  /** Registers what is due. Never rejects: counts are delivered also where routes cannot be registered. */
  async refresh(): Promise<void> {
    const { options, register, report, now } = this.#parts
    try {
      const at = now()
      const layers = countLayers(options)
      // a clock that was set back must not stop it
      if (layers === this.#layers && Math.abs(at - this.#registeredAt) < DAY_MS) return
      const routes = this.#limit(listRoutes(options))
      if (routes.length > 0) await register({ routes, release: options.release, at })
      this.#registeredAt = at
      this.#layers = layers
    } catch (cause) {
      report(
        cause instanceof AnalyticsError
          ? cause
          : new AnalyticsError(
              'INTERNAL',
              'Registering the routes failed; it is tried again. See the cause.',
              {
                cause,
              },
            ),
      )
    }
  }

  #limit(routes: RouteRegistration['routes']): RouteRegistration['routes'] {
    if (routes.length <= MOST_ROUTES) return routes
    if (!this.#hasWarned) {
      this.#parts.report(
        new AnalyticsError(
          'ROUTES_LIMITED',
          `The routers have ${routes.length} routes; only the first ${MOST_ROUTES} by name are registered. "report --unused" does not know the others.`,
        ),
      )
    }
    this.#hasWarned = true
    return routes.slice(0, MOST_ROUTES)
  }
}
