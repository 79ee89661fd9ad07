/**
 * Guards `npm version`: `check` refuses to release changed files or nothing, `changelog` dates the unreleased section.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const HEADING = '## [Unreleased]'

/** @returns why there is nothing that could be released, or nothing */
export function findObstacle(changedFiles: string, changelog: string): string | undefined {
  if (changedFiles !== '') return `These files are changed, commit them first:\n${changedFiles}`
  if (!changelog.includes(`\n${HEADING}\n`)) return `CHANGELOG.md has no section "${HEADING}".`
  const [, section = ''] = changelog.split(`\n${HEADING}\n`)
  const [entries = ''] = section.split('\n## ')
  return /^- /m.test(entries) ? undefined : `CHANGELOG.md has no entry under "${HEADING}".`
}

/** The changelog with its unreleased entries under a version, and an empty section for the next one. */
export function dateChangelog(changelog: string, version: string, date: Date): string {
  const day = date.toISOString().slice(0, 10)
  return changelog.replace(`${HEADING}\n`, `${HEADING}\n\n## [${version}] - ${day}\n`)
}

if (import.meta.main) {
  const changelog = readFileSync('CHANGELOG.md', 'utf8')
  if (process.argv[2] === 'changelog') {
    writeFileSync('CHANGELOG.md', dateChangelog(changelog, process.env['npm_package_version']!, new Date()))
  } else {
    const changed = execFileSync('git', ['status', '--porcelain'], { encoding: 'utf8' })
    const obstacle = findObstacle(changed, changelog)
    if (obstacle) process.stderr.write(`${obstacle}\n`)
    process.exitCode = obstacle ? 1 : 0
  }
}
