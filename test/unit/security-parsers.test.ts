import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseEndpoint } from '../../src/report/question/parse-endpoint.ts'
import { AnalyticsError } from '../../src/model/errors.ts'
import { parseDimensions, parseStatus } from '../../src/report/question/parse-filter.ts'
import { parsePeriod } from '../../src/time/period.ts'
import { searchRuns } from '../support/search-runs.ts'

const NOW = new Date('2026-11-02T12:34:56Z')

/** Anything, and what is nearly right. */
const time = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc
    .tuple(fc.nat(100_000), fc.constantFrom('h', 'd', 'w', 'm', ''))
    .map(([count, unit]) => `${count}${unit}`),
  fc
    .tuple(
      fc.nat(9999),
      fc.nat(14),
      fc.nat(33),
      fc.nat(25),
      fc.nat(61),
      fc.constantFrom('', 'Z', '+02:00', '-99:99'),
    )
    .map(([year, month, day, hour, minute, zone]) => {
      const two = (number: number) => String(number).padStart(2, '0')
      return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}${zone}`
    }),
  fc.constantFrom(
    '__proto__',
    '0h',
    '00000d',
    '2026-02-30',
    '2026-11-01T24:00',
    'NaN',
    '1e9d',
    ' 7d',
    '7d\n',
  ),
)
const zone = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns') },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', '+02:00', '', 'Etc/GMT+99') },
)
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 1 })

/** What a parser gives; nothing when it refuses with an error for people. */
function tryTo<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    expect(error).toBeInstanceOf(AnalyticsError)
    expect(error).toMatchObject({ code: 'WRONG_USAGE' })
    return undefined
  }
}

test('whatever is written as a period is a period that can be looked at, or refused', () => {
  let understood = 0
  fc.assert(
    fc.property(
      optional(time),
      optional(time),
      optional(time),
      optional(zone),
      (since, until, month, timeZone) => {
        const period = tryTo(() => parsePeriod({ since, until, month, timeZone }, NOW))
        if (!period) return
        understood++
        for (const border of [period.since, period.until]) {
          if (border) expect(border.getTime()).not.toBeNaN()
        }
        if (period.since && period.until) expect(period.since < period.until).toBe(true)
      },
    ),
    { numRuns: searchRuns(1500) },
  )
  expect(understood).toBeGreaterThan(100)
})

test('whatever is written as a status, a grouping or an endpoint is understood, or refused', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      '4xx',
      '5XX',
      '429',
      '999',
      '600',
      'key',
      'month',
      '__proto__',
      'constructor',
      'GET /a',
      'get  /a b',
    ),
  )
  let understood = 0
  fc.assert(
    fc.property(word, optional(word), fc.array(word, { maxLength: 3 }), (one, other, list) => {
      const status = tryTo(() => parseStatus(one))
      if (status !== undefined) expect(String(status)).toMatch(/^[1-5](\d\d|xx)$/)
      const dimensions = tryTo(() => parseDimensions(list))
      if (dimensions) expect(new Set(dimensions).size).toBe(list.length)
      const operation = tryTo(() => parseEndpoint(one, other))
      if (operation)
        expect(Object.keys(operation).every((name) => ['endpoint', 'method'].includes(name))).toBe(true)
      if (status !== undefined && operation) understood++
    }),
    { numRuns: searchRuns(3000) },
  )
  expect(understood).toBeGreaterThan(50)
})
