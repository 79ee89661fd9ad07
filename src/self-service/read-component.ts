import { readFile } from 'node:fs/promises'

/** The file that the build makes of `component/`. */
const FILE = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/self-service/api-usage.js' : 'api-usage.js',
  import.meta.url,
)
let read: Promise<string> | undefined

/** The web component `<api-usage>` as one script, read once. */
export function readComponent(): Promise<string> {
  return (read ??= readFile(FILE, 'utf8').catch((error: unknown) => {
    read = undefined
    throw error
  }))
}
