import { describe, expect, test } from 'vitest'
import { CellIndex } from '../../src/buffer/cell-index.ts'
import type { CellName } from '../../src/buffer/name-records.ts'
import { toCountedKey, toCountedOperation } from '../../src/request-counter.ts'
import { OTHER_ENDPOINT, OTHER_KEY, REJECTED_KEY, UNMATCHED_ENDPOINT } from '../../src/usage.ts'
import { identify } from '../support/counting-process.ts'

/** An index with room for two keys of three endpoints each, and the cells that it gave numbers to. */
function makeIndex() {
  const index = new CellIndex({ maxKeys: 2, maxEndpointsPerKey: 3 })
  const cells: CellName[] = []
  index.enterBucket(1)
  const find = (key: string | typeof OTHER_KEY, endpoint = '/', status = 200) => {
    const identity = typeof key === 'string' ? identify(key) : key
    const place = index.enterCell(
      toCountedKey(identity),
      toCountedOperation('GET', endpoint),
      status,
      (cell) => cells.push(cell) - 1,
    )
    const { key: found, endpoint: at } = cells[index.cellAt(place)]!
    return `${found.label} ${at}`
  }
  return { index, cells, find }
}

describe('the limits of a process', () => {
  test('give a cell one number, however often it is asked for', () => {
    const { cells, find } = makeIndex()
    for (let time = 0; time < 3; time += 1) {
      find('a')
      find('a', '/', 404)
      find('a', '/users')
    }
    expect(cells).toHaveLength(3)
  })

  test('count the keys past maxKeys as (other) and never push out one that is in', () => {
    const { find } = makeIndex()
    expect([find('a'), find('b'), find('c'), find('d')]).toEqual(['a /', 'b /', '(other) /', '(other) /'])
    expect([find('a', '/new'), find('b', '/new')]).toEqual(['a /new', 'b /new'])
  })

  test('leave no place to the shared keys, so guessed keys cannot use up the limit', () => {
    const { find } = makeIndex()
    expect([find(OTHER_KEY), find(REJECTED_KEY)]).toEqual(['(other) /', '(rejected) /'])
    expect([find('a'), find('b')]).toEqual(['a /', 'b /'])
  })

  test('count the endpoints of a key past maxEndpointsPerKey as (other), for that key only', () => {
    const { find } = makeIndex()
    for (const endpoint of ['/1', '/2', '/3']) expect(find('a', endpoint)).toBe(`a ${endpoint}`)
    expect(find('a', '/4')).toBe(`a ${OTHER_ENDPOINT}`)
    expect(find('a', '/2', 500)).toBe('a /2')
    expect(find('a', UNMATCHED_ENDPOINT)).toBe(`a ${UNMATCHED_ENDPOINT}`)
    expect(find('b', '/4')).toBe('b /4')
  })

  test('start anew with each bucket, for the keys and endpoints that it uses', () => {
    const { index, find } = makeIndex()
    for (const endpoint of ['/1', '/2', '/3']) find('a', endpoint)
    find('b')
    index.enterBucket(2)
    expect([find('c'), find('d'), find('a')]).toEqual(['c /', 'd /', '(other) /'])
    index.enterBucket(3)
    expect([find('a', '/4'), find('a', '/5'), find('a', '/6'), find('a', '/1')]).toEqual([
      'a /4',
      'a /5',
      'a /6',
      `a ${OTHER_ENDPOINT}`,
    ])
  })

  test('ask for every number again after a new file, and report how many cells the bucket used', () => {
    const { index, cells, find } = makeIndex()
    find('a', '/old')
    index.enterBucket(2)
    find('a')
    find('a', '/', 500)
    expect(index.enterFile()).toBe(2)
    find('a')
    expect(cells.map(({ endpoint }) => endpoint)).toEqual(['/old', '/', '/', '/'])
  })
})
