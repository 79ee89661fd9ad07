import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { expect, test } from 'vitest'
import { listPages, readReadme } from '../support/read-readme.ts'

const ROOT = new URL('../../', import.meta.url)

/** Without the blocks of code, in which brackets are no links. */
const textOf = (page: string) => readReadme(page).replace(/^```.*?^```$/gms, '')

/** A heading as GitHub writes its anchor. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')

const anchorsIn = (page: string) =>
  [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))

/** What a link of a page leads to: nothing wrong, or what is. */
function problemOf(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : posix.join(posix.dirname(page), path)
  if (!existsSync(new URL(target, ROOT))) return `${page}: ${link} does not exist`
  if (anchor !== undefined && !anchorsIn(target).includes(anchor))
    return `${page}: ${link} has no such heading`
  return undefined
}

function linksIn(page: string): string[] {
  const text = textOf(page)
  const links = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)]
  return links.map(([, link, source]) => link ?? source ?? '').filter((link) => !/^[a-z]+:/.test(link))
}

test.each(listPages())('every link of %s leads somewhere', (page) => {
  expect(linksIn(page).map((link) => problemOf(page, link) ?? link)).toEqual(linksIn(page))
})

test('a link to nothing is found', () => {
  expect(problemOf('README.md', 'docs/nowhere.md')).toBe('README.md: docs/nowhere.md does not exist')
  expect(problemOf('README.md', 'docs/errors.md#nowhere')).toBe(
    'README.md: docs/errors.md#nowhere has no such heading',
  )
  expect(problemOf('docs/errors.md', '../README.md#five-questions')).toBeUndefined()
})

test('every page of docs can be reached from the README', () => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    for (const link of linksIn(page)) {
      const [path = ''] = link.split('#')
      if (path.endsWith('.md')) reached.add(posix.join(posix.dirname(page), path))
    }
  }
  const docs = listPages().filter((page) => page.startsWith('docs/'))
  expect(docs.filter((page) => !reached.has(page))).toEqual([])
})
