import { readdirSync, readFileSync } from 'node:fs'

/** One fenced block of the README or of a page of `docs`. */
export interface ReadmeBlock {
  /** Its file, such as `README.md`. */
  readonly page: string
  readonly language: string
  /** The word after the language: the name of a file, or how the block is run. */
  readonly name: string
  readonly text: string
  /** Line of the opening fence, from 1. */
  readonly line: number
}

const ROOT = new URL('../../', import.meta.url)

/** Every page in Markdown that a reader of the repository can meet, such as `docs/reports.md`. */
export function listPages(): string[] {
  const folders = ['', '.github/', 'docs/', 'docs/decisions/']
  return folders.flatMap((folder) =>
    readdirSync(new URL(folder || '.', ROOT))
      .filter((name) => name.endsWith('.md'))
      .map((name) => folder + name),
  )
}

/** The README, or a page of `docs`, as it is. */
export function readReadme(page = 'README.md'): string {
  return readFileSync(new URL(page, ROOT), 'utf8')
}

/** Its fenced blocks in their order. */
export function readReadmeBlocks(page = 'README.md'): ReadmeBlock[] {
  const readme = readReadme(page)
  return [...readme.matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)].map((match) => ({
    page,
    language: match[1] ?? '',
    name: match[2] ?? '',
    text: match[3] ?? '',
    line: readme.slice(0, match.index).split('\n').length,
  }))
}

/** The block that the README saves as a file. */
export function readReadmeFile(name: string): string {
  const block = readReadmeBlocks().find((one) => one.name === name)
  if (!block) throw new Error(`The README has no block named ${name}.`)
  return block.text
}

/** The cells of the lines of the first table that follows a heading. */
export function readReadmeTable(page: string, heading: string): string[][] {
  const [, section = ''] = readReadme(page).split(`\n${heading}\n`)
  const table = /^(?:\|.*\n)+/m.exec(section.split('\n## ')[0] ?? '')?.[0] ?? ''
  const lines = table.trim().split('\n').slice(2)
  return lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
}
