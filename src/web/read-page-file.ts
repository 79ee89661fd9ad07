import { readFile } from 'node:fs/promises'

/** The files that the build makes of `page/`. No other file is ever served. */
const TYPES: Readonly<Record<string, string>> = {
  'index.html': 'text/html',
  'page.js': 'text/javascript',
  'page.css': 'text/css',
  'api-usage.js': 'text/javascript',
}
const FOLDER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/dashboard/page/' : '../dashboard/page/',
  import.meta.url,
)
const files = new Map<string, string>()

/** A file of the page, read once; undefined for any other name. */
export async function readPageFile(name: string): Promise<{ type: string; text: string } | undefined> {
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined
  if (type === undefined) return undefined
  const text = files.get(name) ?? (await readFile(new URL(name, FOLDER), 'utf8'))
  files.set(name, text)
  return { type, text }
}
