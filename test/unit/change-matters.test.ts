import { describe, expect, test } from 'vitest'
import {
  isCountChanged,
  isDurationChanged,
  isRateChanged,
} from '../../src/dashboard/page/panels/change-matters.ts'

describe('a change of a count matters', () => {
  test.each([
    [12_000, 10_000, true],
    [8000, 10_000, true],
    [10_400, 10_000, false],
    [1_000_600, 1_000_000, false],
    // 5 against 2 requests are chance
    [5, 2, false],
    [2, 5, false],
    [130, 100, false],
    [140, 100, true],
    [3, 0, false],
    [5, 0, true],
    [0, 100, true],
    [0, 0, false],
  ])('%i against %i: %s', (now, before, expected) => {
    expect(isCountChanged(now, before)).toBe(expected)
  })
})

describe('a change of a share matters', () => {
  test.each([
    // the same change, in few and in many requests
    [0.04, 100, 0.02, 100, false],
    [0.04, 10_000, 0.02, 10_000, true],
    [0.02, 10_000, 0.04, 10_000, true],
    // certain, and a trifle
    [0.1004, 10_000_000, 0.1, 10_000_000, false],
    [0, 1000, 0, 1000, false],
    [1, 1000, 1, 1000, false],
    [0.5, 0, 0.1, 1000, false],
    [0.5, 1000, 0, 0, false],
  ])('%f of %i against %f of %i: %s', (rate, requests, rateBefore, requestsBefore, expected) => {
    const before = { rate: rateBefore, requests: requestsBefore }
    expect(isRateChanged({ rate, requests }, before)).toBe(expected)
  })
})

describe('a change of a mean duration matters', () => {
  test.each([
    [150, 10_000, 100, 10_000, true],
    [100, 10_000, 150, 10_000, true],
    [150, 20, 100, 20, false],
    [102, 10_000_000, 100, 10_000_000, false],
    // twice as long, and nobody notices
    [0.4, 1_000_000, 0.2, 1_000_000, false],
    [150, 10_000, 0, 0, false],
  ])('%f ms of %i against %f ms of %i: %s', (meanMs, requests, meanBefore, requestsBefore, expected) => {
    const before = { meanMs: meanBefore, requests: requestsBefore }
    expect(isDurationChanged({ meanMs, requests }, before)).toBe(expected)
  })
})
