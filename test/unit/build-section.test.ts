import { describe, expect, test } from 'vitest'
import type { UsageDimension } from '../../src/model/usage-query.ts'
import type { UsageRow } from '../../src/model/usage-row.ts'
import { buildSection } from '../../src/report/usage/build-section.ts'
import type { SectionParts } from '../../src/report/usage/build-section.ts'
import { keyRecord, usageRow } from '../support/usage/usage-rows.ts'

function section(by: readonly UsageDimension[], rows: readonly UsageRow[], rest: Partial<SectionParts> = {}) {
  const total = rows.reduce((sum, { requestCount }) => sum + requestCount, 0)
  const parts = { isComparable: true, offset: 0, limit: 100, keepNewest: false, steps: [] }
  return buildSection({ by, rows, total, ...parts, ...rest })
}

const paths = ['/a', '/b', '/c', '/d', '/e'].map((endpoint, index) =>
  usageRow({ endpoint, requestCount: 50 - 10 * index }),
)
const endpointsOf = ({ groups }: ReturnType<typeof section>) => groups.map(({ endpoint }) => endpoint)

describe('a section of one dimension', () => {
  test('has the names, the numbers and the share of each group', () => {
    const { by, groupCount, groups } = section(['endpoint'], paths, { total: 200 })
    expect({ by, groupCount }).toEqual({ by: ['endpoint'], groupCount: 5 })
    expect(groups[0]).toMatchObject({ endpoint: '/a', requests: 50, share: 0.25 })
  })

  test('shows a page of its groups, and counts all', () => {
    const page = section(['endpoint'], paths, { offset: 1, limit: 2 })
    expect(endpointsOf(page)).toEqual(['/b', '/c'])
    expect(page.groupCount).toBe(5)
    expect(endpointsOf(section(['endpoint'], paths, { offset: 9 }))).toEqual([])
  })

  test('shows the newest of groups of time, the oldest of them first', () => {
    const newest = (rest: Partial<SectionParts>) =>
      endpointsOf(section(['endpoint'], paths, { keepNewest: true, ...rest }))
    expect(newest({ limit: 2 })).toEqual(['/d', '/e'])
    expect(newest({ limit: 2, offset: 2 })).toEqual(['/b', '/c'])
    expect(newest({ limit: 2, offset: 4 })).toEqual(['/a'])
    expect(newest({ offset: 5 })).toEqual([])
  })

  test('shares nothing of no requests', () => {
    expect(section(['endpoint'], [usageRow({ endpoint: '/a' })]).groups[0]!.share).toBe(0)
  })

  test('counts keys apart from groups, and shows of a key only what names it', () => {
    const key = keyRecord(1, { name: 'Mobile app', owner: 'acme' })
    const { keyCount, groups } = section(['key'], [usageRow({ key, requestCount: 1 })])
    expect(keyCount).toBe(1)
    expect(groups[0]!.key).toEqual({ id: key.id, label: 'key 1', name: 'Mobile app', owner: 'acme' })
    expect(section(['endpoint'], paths).keyCount).toBeUndefined()
  })
})

describe('a section that is compared', () => {
  test('finds the same group in the period before, and takes one that is new for zero', () => {
    const before = [
      usageRow({ endpoint: '/a', requestCount: 25 }),
      usageRow({ endpoint: '/gone', requestCount: 1 }),
    ]
    const { groups } = section(['endpoint'], paths, { before })
    expect(groups[0]).toMatchObject({ previousRequests: 25, change: 1 })
    expect(groups[1]).toMatchObject({ previousRequests: 0, change: null })
    expect(section(['endpoint'], paths).groups[0]!.previousRequests).toBeUndefined()
  })

  test('takes keys of the same name for different ones', () => {
    const [one, other] = [keyRecord(1, { name: 'App' }), keyRecord(2, { name: 'App' })]
    const before = [usageRow({ key: other, requestCount: 8 })]
    const rows = [usageRow({ key: one, requestCount: 4 }), usageRow({ key: other, requestCount: 4 })]
    const { groups } = section(['key'], rows, { before })
    expect(groups.map(({ previousRequests }) => previousRequests)).toEqual([0, 8])
  })

  test('has no change where the history is not whole', () => {
    const before = [usageRow({ endpoint: '/a', requestCount: 25 })]
    expect(section(['endpoint'], paths, { before, isComparable: false }).groups[0]!.change).toBeNull()
  })
})

describe('a section of lines and columns', () => {
  const cell = (endpoint: string, status: number, requestCount: number) =>
    usageRow({ endpoint, status, requestCount })
  const cells = [cell('/many', 200, 6), cell('/one', 200, 9), cell('/many', 404, 5), cell('/few', 500, 1)]

  test('shows all cells of the lines with most requests', () => {
    const { groups, groupCount } = section(['endpoint', 'status'], cells, { limit: 1 })
    expect(groups).toMatchObject([
      { endpoint: '/many', status: 200 },
      { endpoint: '/many', status: 404 },
    ])
    expect(groupCount).toBe(4)
  })

  test('leaves out lines, not cells', () => {
    const { groups } = section(['endpoint', 'status'], cells, { offset: 1, limit: 1 })
    expect(groups).toMatchObject([{ endpoint: '/one', status: 200 }])
  })

  test('takes method and endpoint for one dimension', () => {
    const rows = ['GET', 'POST', 'PUT'].map((method) => usageRow({ method, endpoint: '/a', requestCount: 1 }))
    expect(section(['method', 'endpoint'], rows, { limit: 2 }).groups).toHaveLength(2)
  })
})

describe('a section with trends', () => {
  const steps = [1, 2, 3].map((day) => new Date(`2026-10-0${day}T00:00Z`))

  test('has a number for every step, also where nothing was counted', () => {
    const trend = [
      { start: steps[0]!, requestCount: 4, errorCount: 0 },
      { start: steps[2]!, requestCount: 6, errorCount: 1 },
    ]
    const { groups } = section(
      ['endpoint'],
      [usageRow({ endpoint: '/a', trend }), usageRow({ endpoint: '/b' })],
      {
        steps,
      },
    )
    expect(groups.map(({ trend: numbers }) => numbers)).toEqual([
      [4, 0, 6],
      [0, 0, 0],
    ])
  })

  test('has none without steps', () => {
    expect(section(['endpoint'], paths).groups[0]!.trend).toBeUndefined()
  })
})
