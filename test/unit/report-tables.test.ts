import { expect, test } from 'vitest'
import type { UsageDimension } from '../../src/model/usage-query.ts'
import type { UsageRow } from '../../src/model/usage-row.ts'
import { tablesOf } from '../../src/report/render/tables-of-report.ts'
import { buildReport } from '../../src/report/usage/build-report.ts'
import { parsePeriod } from '../../src/time/period.ts'
import { usageRow } from '../support/usage/usage-rows.ts'

const BERLIN = parsePeriod({ month: '2026-10', timeZone: 'Europe/Berlin' }, new Date('2026-11-20T12:00Z'))
// clocks go back at 01:00 UTC: 02:00 is there twice
const HOURS = ['2026-10-24T23:00Z', '2026-10-25T00:00Z', '2026-10-25T01:00Z', '2026-10-25T02:00Z']

/** The table of some groups: the titles of its columns, and its lines as people read them. */
async function tableOf(by: UsageDimension[], rows: UsageRow[]) {
  const source = {
    findUsage: async () => rows,
    findStraddlingRows: async () => ({ rows: 0, requests: 0 }),
    findHistoryStart: async () => new Date('2026-01-01T00:00Z'),
  }
  const [table] = tablesOf(await buildReport(source, { period: BERLIN, by }))
  return { titles: table!.columns.map(({ title }) => title), rows: table!.rows, total: table!.total }
}

const hours = HOURS.map((hour, index) =>
  usageRow({ hour: new Date(hour), method: 'GET', requestCount: index + 1 }),
)

test('tells the two hours apart that have the same name when clocks go back', async () => {
  const list = await tableOf(['hour'], hours)
  const names = ['01:00', '02:00 +02:00', '02:00 +01:00', '03:00'].map((name) => `2026-10-25 ${name}`)
  expect(list.rows.map(([name]) => name)).toEqual(names)
  const lines = await tableOf(['hour', 'method'], hours)
  expect(lines.rows).toEqual(names.map((name, index) => [name, index + 1, index + 1]))
  const columns = await tableOf(['method', 'hour'], hours)
  expect(columns.titles).toEqual(['Method \\ Hour', ...names, 'Total'])
  expect(columns.rows).toEqual([['GET', 1, 2, 3, 4, 10]])
})

test('tells usage without an owner from an owner that is called "(none)"', async () => {
  const owners = [
    usageRow({ owner: null, method: 'GET', requestCount: 2 }),
    usageRow({ owner: '(none)', method: 'GET', requestCount: 1 }),
  ]
  const { rows, total } = await tableOf(['owner', 'method'], owners)
  expect(rows).toEqual([
    ['(none)', 2, 2],
    ['"(none)"', 1, 1],
  ])
  expect(total).toEqual(['Total', 3, 3])
})
