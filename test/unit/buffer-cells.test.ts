import { describe, expect, test } from 'vitest'
import { CellIndex } from '../../src/buffer/cells/cell-index.ts'
import { CounterFile } from '../../src/buffer/file/counter-file.ts'
import { fileBytes, shapeFor } from '../../src/buffer/file/counter-layout.ts'
import { heapMemory } from '../../src/buffer/file/counter-memory.ts'
import type { NamesRegion } from '../../src/buffer/file/names-region.ts'
import { binOf } from '../../src/model/duration-bins.ts'
import { toCountedKey, toCountedOperation } from '../../src/model/request-counter.ts'
import { OTHER_KEY, REJECTED_KEY } from '../../src/model/key.ts'
import { OTHER_ENDPOINT, UNMATCHED_ENDPOINT } from '../../src/model/operation.ts'
import { identify } from '../support/usage/counting-process.ts'

/** The names of a new file. */
function makeNames(): NamesRegion {
  const shape = shapeFor(1000)
  const instance = '00000000-0000-4000-8000-000000000000'
  const identity = { ...shape, bucketMinutes: 60 as const, instance, target: '', units: [] }
  return CounterFile.create(heapMemory(fileBytes(shape)), identity, 1).names
}

/** An index with room for two keys of three endpoints each. */
function makeIndex() {
  const index = new CellIndex({ maxKeys: 2, maxEndpointsPerKey: 3 })
  let names = makeNames()
  index.enterBucket(1)
  /** @returns the names of the cell that such a request is counted in */
  const find = (key: string | typeof OTHER_KEY, endpoint = '/', status = 200) => {
    const identity = typeof key === 'string' ? identify(key) : key
    const keyNumber = index.enterKey(toCountedKey(identity), names)
    const operation = index.enterOperation(toCountedOperation('GET', endpoint), keyNumber, names)
    const slot = index.findSlot(keyNumber, operation, status, 1000, names)
    const cell = listCells(names).find(({ slot: own }) => own === slot)!
    return `${cell.label} ${cell.endpoint}`
  }
  const enterFile = () => {
    names = makeNames()
    return index.enterFile()
  }
  return { index, find, enterFile, cells: () => listCells(names) }
}

/** The cells of a file whose requests all took the same time. */
function listCells(names: NamesRegion) {
  const { keys, operations, cells } = names
  return Array.from({ length: cells.length }, (_, cell) => ({
    label: keys.get(cells.keyAt(cell))!.label,
    endpoint: operations.get(cells.operationAt(cell))!.endpoint,
    slot: slotOf(names, cell),
  }))
}

/** The slot of a cell whose requests all took the same time. */
function slotOf({ slots }: NamesRegion, cell: number): number {
  const [bin, slot, ...others] = readSlots(slots, cell)
  expect([bin, others]).toEqual([binOf(1000), []])
  return slot!
}

function readSlots(slots: NamesRegion['slots'], cell: number): number[] {
  const pairs: number[] = []
  slots.read(cell, pairs)
  return pairs
}

describe('the limits of a process', () => {
  test('give a cell one number, however often it is asked for', () => {
    const { cells, find } = makeIndex()
    for (let time = 0; time < 3; time += 1) {
      find('a')
      find('a', '/', 404)
      find('a', '/users')
    }
    expect(cells()).toHaveLength(3)
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

  test('name everything again in a new file, and tell how many cells the bucket used', () => {
    const { index, find, enterFile, cells } = makeIndex()
    find('a', '/old')
    index.enterBucket(2)
    find('a')
    find('a', '/', 500)
    expect(cells()).toHaveLength(3)
    expect(enterFile()).toBe(2)
    expect(find('a')).toBe('a /')
    expect(cells().map(({ endpoint }) => endpoint)).toEqual(['/'])
  })

  test('go on in a new file for what this bucket has used', () => {
    const { find, enterFile } = makeIndex()
    for (const endpoint of ['/1', '/2', '/3']) find('a', endpoint)
    find('b', '/1')
    enterFile()
    expect([find('c'), find('a', '/4'), find('a', '/2'), find('b', '/4')]).toEqual([
      '(other) /',
      `a ${OTHER_ENDPOINT}`,
      'a /2',
      'b /4',
    ])
  })

  test('hold for a key whose endpoint another key has brought in', () => {
    const { find } = makeIndex()
    for (const endpoint of ['/1', '/2', '/3']) find('a', endpoint)
    find('b', '/4')
    expect(find('a', '/4')).toBe(`a ${OTHER_ENDPOINT}`)
  })
})
