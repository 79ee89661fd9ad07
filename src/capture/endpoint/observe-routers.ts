import type { Context } from 'koa'
import { readMark } from '../request-mark.ts'
import type { Handler, Layer, RoutedContext } from './router.ts'

/** Global symbols, so that a second copy of this package recognises the changes of the first one. */
const ROUTER = Symbol.for('apikey-analytics.router')
const ROUTE_PATH = Symbol.for('apikey-analytics.routePath')
const LAYER = Symbol.for('apikey-analytics.layer')
const HANDLER = Symbol.for('apikey-analytics.handler')

/** The state of the accessors. */
interface ObservedContext extends Context, RoutedContext {
  [ROUTER]?: unknown
  [ROUTE_PATH]?: unknown
}

interface ObservedHandler extends Handler {
  [LAYER]?: Layer
  /** The original handler. */
  [HANDLER]?: Handler
}

/** The context prototypes of the observed apps. */
const observed = new WeakSet<object>()
let observedLast: object | undefined

/**
 * From now on, notes which routes run in the app of this context. Only the router knows this: what it leaves on the
 * context is the same for two layers with one path. Every router assigns `ctx.router` after it found its layers and
 * before it runs them, and koa-route assigns `ctx.routePath`. Accessors on the app's context prototype notice that.
 */
export function observeRouters(ctx: Context): void {
  const prototype = Object.getPrototypeOf(ctx) as object
  if (prototype === observedLast) return
  observedLast = prototype
  if (observed.has(prototype)) return
  observed.add(prototype)
  // written out twice: V8 makes accessors quick only where their key is constant
  defineAccessor(prototype, 'router', ROUTER, {
    get(this: ObservedContext) {
      return this[ROUTER]
    },
    set(this: ObservedContext, router: unknown) {
      this[ROUTER] = router
      try {
        observeLayers(this)
      } catch {
        // An unusual router is not observed, but must work all the same.
      }
    },
  })
  defineAccessor(prototype, 'routePath', ROUTE_PATH, {
    get(this: ObservedContext) {
      return this[ROUTE_PATH]
    },
    set(this: ObservedContext, path: unknown) {
      this[ROUTE_PATH] = path
      // the app may set it on its context prototype, which has no request
      const mark = (this.req as Context['req'] | undefined) && readMark(this.req)
      if (mark) mark.otherPath = readMountedPath(this)
    },
  })
}

/** Keeps a value that the app has set. Leaves an accessor of the app, and a sealed context, unchanged. */
function defineAccessor(
  prototype: object,
  name: string,
  symbol: typeof ROUTER | typeof ROUTE_PATH,
  accessor: { get: () => unknown; set: (value: unknown) => void },
): void {
  const own = Object.getOwnPropertyDescriptor(prototype, name)
  const isKept = own && (!own.configurable || !('value' in own))
  if (isKept || !Object.isExtensible(prototype)) return
  if (own) (prototype as ObservedContext)[symbol] = own.value
  Object.defineProperty(prototype, name, { configurable: true, ...accessor })
}

/** A layer gets its own stack, because several layers may share one array of handlers. */
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
    try {
      noteLayer(ctx, layer)
    } catch {
      // The app may run its router with a context of its own, which lacks what we read.
    }
    return run(ctx, next)
  }
  Object.assign(observing, handler)
  Object.defineProperty(observing, 'name', { value: handler.name, configurable: true })
  return Object.defineProperties(observing, { [LAYER]: { value: layer }, [HANDLER]: { value: handler } })
}

function noteLayer(ctx: Context & RoutedContext, layer: Layer): void {
  const mark = readMark(ctx.req)
  if (!mark) return
  // not through the getters of the context, which are slow
  const { body } = ctx.response
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

/** koa-mount removes its prefix from the path only while it runs. */
function readMountedPath(ctx: Context & RoutedContext): string | undefined {
  return ctx.mountPath === undefined ? undefined : ctx.path
}
