import type { Context } from 'koa'
import { readMark } from './request-mark.ts'
import type { Handler, Layer, RoutedContext } from './router.ts'

/**
 * Global symbols: a second copy of this package recognises what the first one did. A context keeps its router and its
 * path of koa-route under them, a handler the layer for which it is observed.
 */
const OBSERVED = {
  router: Symbol.for('apikey-analytics.router'),
  routePath: Symbol.for('apikey-analytics.routePath'),
} as const
const LAYER = Symbol.for('apikey-analytics.layer')

const HANDLER = Symbol.for('apikey-analytics.handler')

interface ObservedHandler extends Handler {
  [LAYER]?: Layer
  [HANDLER]?: Handler
}

/** The context prototypes of the apps that were met. */
const observed = new WeakSet<object>()
let observedLast: object | undefined

/**
 * Notes from now on which routes run in the app of this context. Only the router knows: what it leaves on the context
 * does not tell apart two layers with one path. Every router assigns `ctx.router` after it found its layers and before
 * it runs them, and koa-route assigns `ctx.routePath`; accessors on the app's context prototype see that.
 */
export function observeRouters(ctx: Context): void {
  const prototype = Object.getPrototypeOf(ctx) as object
  if (prototype === observedLast) return
  observedLast = prototype
  if (observed.has(prototype)) return
  observed.add(prototype)
  observeProperty(prototype, 'router', observeLayers)
  observeProperty(prototype, 'routePath', noteOtherRoute)
}

/** The property reads and writes as before; an accessor that the app has put there stays, and so does a sealed context. */
function observeProperty(
  prototype: object,
  name: keyof typeof OBSERVED,
  notice: (ctx: Context & RoutedContext) => void,
): void {
  const own = Object.getOwnPropertyDescriptor(prototype, name)
  const isKept = own && (!own.configurable || !('value' in own))
  if (isKept || !Object.isExtensible(prototype)) return
  const kept = OBSERVED[name]
  type Observed = Context & { [kept]?: unknown }
  if (own) (prototype as Observed)[kept] = own.value
  Object.defineProperty(prototype, name, {
    configurable: true,
    get(this: Observed) {
      return this[kept]
    },
    set(this: Observed, value: unknown) {
      this[kept] = value
      try {
        notice(this)
      } catch {
        // An unusual router is not observed. It must work all the same.
      }
    },
  })
}

/** A layer gets a stack of its own: several layers may share one array of handlers. */
function observeLayers(ctx: Context & RoutedContext): void {
  if (!Array.isArray(ctx.matched)) return
  const mark = readMark(ctx.req)
  for (const layer of ctx.matched as readonly Layer[]) {
    const first: ObservedHandler | undefined = layer.stack[0]
    if (first !== undefined && first[LAYER] !== layer) {
      // a nested router is a copy of another one, whose layers may have been observed before
      layer.stack = [observeHandler(first[HANDLER] ?? first, layer), ...layer.stack.slice(1)]
    }
    if (mark && mark.near === undefined && layer.methods.length > 0) {
      mark.near = layer
      mark.nearPath = readMountedPath(ctx)
    }
  }
}

/** The same handler, with its name and its properties, which routers read. It notes that its layer runs. */
function observeHandler(handler: Handler, layer: Layer): ObservedHandler {
  const run = handler as (ctx: Context, next: () => Promise<unknown>) => unknown
  const observing = (ctx: Context, next: () => Promise<unknown>) => {
    noteLayer(ctx, layer)
    return run(ctx, next)
  }
  Object.assign(observing, handler)
  Object.defineProperty(observing, 'name', { value: handler.name, configurable: true })
  return Object.defineProperties(observing, { [LAYER]: { value: layer }, [HANDLER]: { value: handler } })
}

function noteLayer(ctx: Context & RoutedContext, layer: Layer): void {
  const mark = readMark(ctx.req)
  if (!mark) return
  const { body } = ctx
  // a WebSocket has no response
  const status = (ctx.res as Context['res'] | undefined)?.statusCode
  if (mark.layer === mark.route && (mark.body !== body || mark.status !== status)) {
    mark.answered = mark.route
    mark.answeredPath = mark.routePath
  }
  mark.body = body
  mark.status = status
  mark.layer = layer
  mark.layerPath = readMountedPath(ctx)
  if (layer.methods.length > 0) {
    mark.route = layer
    mark.routePath = mark.layerPath
  }
}

function noteOtherRoute(ctx: Context & RoutedContext): void {
  const mark = readMark(ctx.req)
  if (mark) mark.otherPath = readMountedPath(ctx)
}

/** koa-mount cuts its prefix from the path only while it runs. */
function readMountedPath(ctx: Context & RoutedContext): string | undefined {
  return ctx.mountPath === undefined ? undefined : ctx.path
}
