import { expect, test } from 'vitest'
import { dateChangelog, findObstacle } from '../../.github/scripts/release.ts'
import { readReadme } from '../support/read-readme.ts'

const CHANGELOG =
  '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A command.\n\n## [1.0.0] - 2026-01-01\n\n- All.\n'

test('a release needs a clean tree and an entry of the changelog', () => {
  expect(findObstacle('', CHANGELOG)).toBeUndefined()
  expect(findObstacle(' M src/index.ts\n', CHANGELOG)).toContain('src/index.ts')
  expect(findObstacle('', CHANGELOG.replace('- A command.', ''))).toContain('no entry')
  expect(findObstacle('', '# Changelog\n')).toContain('no section')
})

test('a release dates the unreleased section and leaves an empty one', () => {
  const dated = dateChangelog(CHANGELOG, '1.1.0', new Date('2026-11-26T10:00:00Z'))
  expect(dated).toContain('## [Unreleased]\n\n## [1.1.0] - 2026-11-26\n\n### Added\n\n- A command.\n')
  expect(findObstacle('', dated)).toContain('no entry')
})

test('the changelog of this repository can be released', () => {
  expect(findObstacle('', readReadme('CHANGELOG.md'))).toBeUndefined()
})
