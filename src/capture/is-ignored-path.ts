/**
 * Whether a path is not counted. `/health` ignores `/health` and `/health/live` but not `/healthcare`; `/admin/`
 * ignores all paths below it; a RegExp is tested on the path.
 */
export function isIgnoredPath(path: string, ignore: readonly (string | RegExp)[]): boolean {
  return ignore.some((rule) => (typeof rule === 'string' ? isBelow(path, rule) : path.search(rule) >= 0))
}

function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false
  return path.length === prefix.length || prefix.endsWith('/') || path[prefix.length] === '/'
}
