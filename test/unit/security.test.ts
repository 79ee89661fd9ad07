import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escalate } from '../../src/security/finding.ts'
import { RULES } from '../../src/security/rules.ts'
import { fitDispersion, medianOf, surpriseOf } from '../../src/security/surprise.ts'
import { DEFAULT_THRESHOLDS, resolveThresholds } from '../../src/security/thresholds.ts'

/** The tail of a negative binomial, summed up term by term. */
function tailOf(count: number, normal: number, dispersion: number): number {
  const r = 1 / dispersion
  const p = normal / (normal + r)
  let term = (1 - p) ** r
  let below = 0
  for (let x = 0; x < count; x++) {
    below += term
    term *= (p * (x + r)) / (x + 1)
  }
  let tail = 0
  for (let x = count; x < count + 5000; x++) {
    tail += term
    term *= (p * (x + r)) / (x + 1)
  }
  expect(below + tail).toBeCloseTo(1, 6)
  return tail
}

describe('surprise', () => {
  test.each([
    [30, 10, 0.1],
    [60, 10, 0.1],
    [12, 10, 0.5],
    [100, 40, 0.05],
    [50, 2, 1],
  ])('at %d where %d is normal never claims more than the exact tail allows', (count, normal, dispersion) => {
    const exact = -Math.log10(tailOf(count, normal, dispersion))
    const surprise = surpriseOf(count, normal, dispersion)
    expect(surprise).toBeLessThanOrEqual(exact)
    expect(surprise).toBeGreaterThan(exact - 2)
  })

  test('grows with the count, shrinks with what is normal and with scatter, and is never negative', () => {
    const count = fc.integer({ min: 1, max: 1e6 })
    const dispersion = fc.double({ min: 0.05, max: 10, noNaN: true })
    fc.assert(
      fc.property(count, count, dispersion, (count, normal, dispersion) => {
        const surprise = surpriseOf(count, normal, dispersion)
        expect(surprise).toBeGreaterThanOrEqual(0)
        expect(surpriseOf(count + 10, normal, dispersion)).toBeGreaterThanOrEqual(surprise - 1e-6)
        expect(surpriseOf(count, normal + 10, dispersion)).toBeLessThanOrEqual(surprise + 1e-6)
        expect(surpriseOf(count, normal, dispersion * 2)).toBeLessThanOrEqual(surprise + 1e-6)
      }),
    )
  })
})

test('the fitted scatter is small for steady counts, large for wild ones, and outliers do not change it much', () => {
  const past = (counts: readonly number[]) => counts.map((count) => ({ count, normal: 100 }))
  const steady = Array.from({ length: 100 }, (_, index) => 95 + (index % 11))
  const wild = Array.from({ length: 100 }, (_, index) => (index % 2 ? 20 : 250))
  const spoiled = steady.map((count, index) => (index % 4 === 0 ? 100_000 : count))
  expect(fitDispersion(past(steady))).toBe(0.05)
  expect(fitDispersion(past(spoiled))).toBe(0.05)
  expect(fitDispersion(past(wild))).toBeGreaterThan(1)
  expect(fitDispersion([])).toBe(0.05)
})

test('the median is the middle one, or the mean of the two', () => {
  expect([[], [3], [9, 1], [5, 1, 9]].map(medianOf)).toEqual([0, 3, 5, 5])
})

test('ten times the threshold is one step more severe, and nothing is worse than critical', () => {
  expect(escalate('low', 99, 10)).toBe('low')
  expect(escalate('low', 100, 10)).toBe('medium')
  expect(escalate('critical', 100, 10)).toBe('critical')
})

test('every threshold is named in the explanation of a rule, or holds for all of them', () => {
  const marks = Object.fromEntries(
    Object.keys(DEFAULT_THRESHOLDS).map((name, index) => [name, 40_001 + index]),
  )
  const shares = { refusedShare: 0.77, errorShare: 0.88, historyWeeks: 51 }
  const thresholds = resolveThresholds({ ...marks, ...shares })
  const text = Object.values(RULES)
    .map((rule) => rule.explain(thresholds))
    .join('\n')
  for (const [name, value] of Object.entries({ ...marks, ...shares })) {
    expect({ name, text }).toEqual({
      name,
      text: expect.stringContaining(name.endsWith('Share') ? `${value * 100}%` : String(value)) as string,
    })
  }
})
