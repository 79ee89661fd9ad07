import { describe, expect, test } from 'vitest'
import type { UsageQuery } from '../../src/model/usage-query.ts'
import type { UsageRow } from '../../src/model/usage-row.ts'
import { buildReport } from '../../src/report/usage/build-report.ts'
import type { ReportRequest, UsageSource } from '../../src/report/usage/build-report.ts'
import { parsePeriod } from '../../src/time/period.ts'
import { keyRecord, usageRow } from '../support/usage/usage-rows.ts'

const NOW = new Date('2026-11-20T12:00Z')
const OCTOBER = parsePeriod({ month: '2026-10' }, NOW)
const SEPTEMBER = { since: new Date('2026-09-01T00:00Z'), until: new Date('2026-10-01T00:00Z') }

/** A source that answers each list of dimensions with rows of its own, and remembers what it was asked. */
function sourceOf(
  rowsBy: Readonly<Record<string, readonly UsageRow[]>>,
  rest: Partial<UsageSource> & { before?: Readonly<Record<string, readonly UsageRow[]>> } = {},
) {
  const queries: UsageQuery[] = []
  const source: UsageSource = {
    async findUsage(query) {
      queries.push(query)
      const isBefore = query.until && query.until <= OCTOBER.since!
      return [...((isBefore ? rest.before : rowsBy)?.[query.by?.join() ?? ''] ?? [])]
    },
    findStraddlingRows: async () => ({ rows: 0, requests: 0 }),
    findHistoryStart: async () => new Date('2026-01-01T00:00Z'),
    ...rest,
  }
  return {
    queries,
    build: (request: Partial<ReportRequest>) => buildReport(source, { period: OCTOBER, ...request }),
  }
}

const keys = [
  usageRow({ key: keyRecord(1), owner: 'acme', requestCount: 30, clientErrorCount: 3 }),
  usageRow({ key: keyRecord(2), owner: null, requestCount: 10 }),
]
const endpoints = [usageRow({ method: 'GET', endpoint: '/a', requestCount: 40, clientErrorCount: 3 })]
const owners = [
  usageRow({ owner: 'acme', requestCount: 30, clientErrorCount: 3 }),
  usageRow({ owner: null, requestCount: 10 }),
]
const OVERVIEW = { owner: owners, key: keys, 'method,endpoint': endpoints }

describe('an overview', () => {
  test('has the lists of owners, keys and endpoints, their number, and a series', async () => {
    const { build } = sourceOf(OVERVIEW)
    const report = await build({})
    expect(report.report).toBe('overview')
    expect(report.sections.map(({ by }) => by.join())).toEqual(['owner', 'key', 'method,endpoint'])
    expect(report).toMatchObject({
      activeKeys: 2,
      activeEndpoints: 1,
      total: { requests: 40, errorRate: 3 / 40 },
    })
    expect(report.series!.unit).toBe('day')
    expect(report.series!.steps).toHaveLength(31)
  })

  test('has no list of owners when no key has one', async () => {
    const nobody = { ...OVERVIEW, owner: [usageRow({ owner: null, requestCount: 40 })] }
    const report = await sourceOf(nobody).build({})
    expect(report.sections.map(({ by }) => by.join())).toEqual(['key', 'method,endpoint'])
    expect(report.total.requests).toBe(40)
  })

  test('of one owner has keys, endpoints and statuses, all of that owner', async () => {
    const { build, queries } = sourceOf({
      ...OVERVIEW,
      status: [usageRow({ status: 200, requestCount: 40 })],
    })
    const report = await build({ filter: { owner: 'acme' } })
    expect(report.sections.map(({ by }) => by.join())).toEqual(['key', 'method,endpoint', 'status'])
    expect(new Set(queries.map(({ owner }) => owner))).toEqual(new Set(['acme']))
  })

  test('compares its total with the period before, and no group', async () => {
    const { build, queries } = sourceOf(OVERVIEW, { before: { '': [usageRow({ requestCount: 20 })] } })
    const report = await build({})
    expect(report.total).toMatchObject({ previousRequests: 20, change: 1 })
    expect(report.previous).toMatchObject({ ...SEPTEMBER, historyBegins: null })
    expect(queries.at(-1)).toMatchObject({ ...SEPTEMBER, by: [] })
    expect(report.sections[1]!.groups[0]!.change).toBeUndefined()
  })

  test('shows ten groups of a list, unless it is told how many', async () => {
    const many = Array.from({ length: 12 }, (_, index) =>
      usageRow({ key: keyRecord(index + 1), requestCount: 1 }),
    )
    const lengthOf = async (request: Partial<ReportRequest>) => {
      const { sections } = await sourceOf({ ...OVERVIEW, key: many }).build(request)
      return sections.find(({ by }) => by[0] === 'key')!.groups.length
    }
    expect(await lengthOf({})).toBe(10)
    expect(await lengthOf({ limit: 3 })).toBe(3)
  })
})

describe('a report by dimensions', () => {
  test('has one section with all groups, and neither a series nor a comparison', async () => {
    const { build, queries } = sourceOf(OVERVIEW)
    const report = await build({ by: ['key'], sort: 'errors' })
    expect(report.report).toBe('usage')
    expect(report.sections).toHaveLength(1)
    expect(report.series).toBeUndefined()
    expect(report.previous).toBeUndefined()
    expect(queries).toMatchObject([{ by: ['key'], sort: 'errors', timeZone: 'UTC', since: OCTOBER.since }])
  })

  test('compares every group when it is asked to', async () => {
    const before = { key: [usageRow({ key: keyRecord(1), requestCount: 15 })] }
    const report = await sourceOf(OVERVIEW, { before }).build({ by: ['key'], comparePrevious: true })
    expect(report.total).toMatchObject({ previousRequests: 15 })
    expect(report.sections[0]!.groups).toMatchObject([
      { requests: 30, previousRequests: 15, change: 1 },
      { requests: 10, previousRequests: 0, change: null },
    ])
  })

  test('compares no groups of time: each is a period of its own', async () => {
    const compared = sourceOf({}).build({ by: ['day'], comparePrevious: true })
    await expect(compared).rejects.toMatchObject({ code: 'WRONG_USAGE' })
  })

  test('has no change, and says why, when the history begins within the period before', async () => {
    const findHistoryStart = async () => new Date('2026-09-20T00:00Z')
    const before = { key: [usageRow({ key: keyRecord(1), requestCount: 15 })] }
    const { build } = sourceOf(OVERVIEW, { before, findHistoryStart })
    const report = await build({ by: ['key'], comparePrevious: true })
    expect(report.total).toMatchObject({ previousRequests: 15, change: null })
    expect(report.notes.join()).toMatch(/^No comparison with .*: history begins on /)
  })

  test('keeps totals and shares of all when groups are chosen or left out', async () => {
    const { build } = sourceOf(OVERVIEW)
    const choose = (rows: readonly UsageRow[]) => rows.toReversed()
    const { total, sections } = await build({ by: ['key'], choose, limit: 1 })
    expect(total.requests).toBe(40)
    expect(sections[0]).toMatchObject({ groupCount: 2, groups: [{ requests: 10, share: 0.25 }] })
  })

  test('shows the newest groups of time, unless another order is asked for', async () => {
    const days = [1, 2, 3].map((day) =>
      usageRow({ day: new Date(Date.UTC(2026, 9, day)), requestCount: day }),
    )
    const shown = async (rest: Partial<ReportRequest>) => {
      const { sections } = await sourceOf({ day: days }).build({ by: ['day'], limit: 1, ...rest })
      return sections[0]!.groups.map(({ requests }) => requests)
    }
    expect(await shown({})).toEqual([3])
    expect(await shown({ sort: 'requests' })).toEqual([1])
    expect(await shown({ isReordered: true })).toEqual([1])
  })

  test('says which counts a border or a change of owner cuts', async () => {
    const cutByOwners = { rows: 2, requests: 9 }
    const findStraddlingRows = async () => ({ rows: 1, requests: 7, cutByOwners })
    const { notes } = await sourceOf(OVERVIEW, { findStraddlingRows }).build({ by: ['owner'] })
    expect(notes).toEqual([
      'A border in time zone UTC cuts 1 stored row (7 requests): it counts where the row begins.',
      'A change of owner cuts 2 stored rows (9 requests): they count for the owner when the row begins.',
    ])
  })

  test('says how many durations were not measured', async () => {
    const row = usageRow({ key: keyRecord(1), requestCount: 1200, latency: null })
    const { notes } = await sourceOf({ key: [row] }).build({ by: ['key'], withLatency: true })
    expect(notes).toEqual([
      'The duration of 1,200 of 1,200 requests was not measured: p50, p95 and p99 are those of the others.',
    ])
  })
})

describe('a report of all time', () => {
  test('begins its series with the first count', async () => {
    const first = new Date('2026-11-19T03:00Z')
    const period = parsePeriod({}, NOW)
    const rows = { ...OVERVIEW, '': [usageRow({ firstBucket: first, requestCount: 40 })] }
    const { series } = await sourceOf(rows).build({ period })
    expect(series!.unit).toBe('hour')
    expect(series!.steps[0]!.start).toEqual(first)
  })

  test('is a report of nothing when nothing was ever counted', async () => {
    const findHistoryStart = async () => undefined
    const { total, sections, notes } = await sourceOf({}, { findHistoryStart }).build({
      period: parsePeriod({}, NOW),
    })
    expect(total).toMatchObject({ requests: 0, errorRate: 0, firstUsed: null })
    expect(sections.map(({ groups }) => groups)).toEqual([[], []])
    expect(notes).toEqual([])
  })
})
