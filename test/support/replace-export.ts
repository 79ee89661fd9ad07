import { createRequire, syncBuiltinESMExports } from 'node:module'

const require = createRequire(import.meta.url)

/** Replaces what a module of Node exports, in everything that runs in this process. @returns what puts it back */
export function replaceExport(module: `node:${string}`, name: string, replacement: unknown): () => void {
  const exported = require(module) as Record<string, unknown>
  const original = exported[name]
  const put = (value: unknown) => {
    exported[name] = value
    syncBuiltinESMExports()
  }
  put(replacement)
  return () => put(original)
}
