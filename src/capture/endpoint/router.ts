/** The parts of a router that we read: `@koa/router` 8 to 15 and `koa-router` 7 to 14, any copy of them in an app. */

/** One route of a router, or one middleware of `router.use()`, which has no methods. */
export interface Layer {
  readonly path: string | RegExp
  readonly methods: readonly string[]
  readonly regexp: RegExp
  readonly paramNames: readonly unknown[]
  /** Handlers in the order in which they run. */
  stack: readonly Handler[]
}

export type Handler = (ctx: never, next: () => Promise<unknown>) => unknown

/** A router, whose prefix is part of the path of its layers. */
export interface Router {
  readonly stack: readonly Layer[]
  /** Runs only one of the routes that match: the last, or the one with the fewest parameters. */
  readonly exclusive?: unknown
  readonly opts?: { readonly exclusive?: unknown }
  /** From version 11 on. */
  readonly matchHost?: (host: string) => boolean
}

/** The values that these routers leave on the context. */
export interface RoutedContext {
  /** Every layer that matched the path, over all routers of the request. */
  readonly matched?: readonly Layer[]
  /** Path of the layer that ran last, from version 9 on; `router.use()` included. */
  readonly routerPath?: Layer['path']
  /** Prefix of the koa-mount that the request entered last. */
  readonly mountPath?: string
}

/** The route among the layers from `start` on that answers this method. */
export function chooseRoute(
  layers: readonly Layer[],
  start: number,
  serves: (layer: Layer) => boolean,
): Layer | undefined {
  let chosen: Layer | undefined
  for (let index = start; index < layers.length; index += 1) {
    const layer = layers[index]!
    // When an earlier route also matches every path of this one, it must have called next(): it is a guard.
    if (serves(layer) && (chosen === undefined || matchesPath(chosen, String(layer.path)))) chosen = layer
  }
  return chosen
}

/** `search` leaves the `lastIndex` of a /g expression as it is, for the router's own next match. */
export function matchesPath({ regexp }: Layer, path: string): boolean {
  return path.search(regexp) >= 0
}
