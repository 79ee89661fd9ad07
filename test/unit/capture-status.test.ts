import type { Context } from 'koa'
import { expect, test } from 'vitest'
import { resolveStatus } from '../../src/capture/resolve-status.ts'

/** What a context counts whose raw response has this status. */
const statusOf = (statusCode: unknown): number => resolveStatus({ res: { statusCode } } as Context)

test('a status that was set past Koa counts as what Node sends, and as a number', () => {
  expect(['200', '404.7', 302.9, 204].map(statusOf)).toEqual([200, 404, 302, 204])
})

test('what is no status counts as 500', () => {
  expect(['abc', '', 99, 600, -200, NaN, undefined, null].map(statusOf)).toEqual(Array(8).fill(500))
})
