import fc from 'fast-check'
import type { Context } from 'koa'
import { expect, test } from 'vitest'
import { keyIdOfName, keyIdOfSecret, pepperCheck } from '../../src/model/compute-key-id.ts'
import { createIdentifyKey } from '../../src/capture/key/identify-key.ts'
import { KnownKeys } from '../../src/capture/key/known-keys.ts'
import { createReadKey } from '../../src/capture/key/read-key.ts'
import { toCountedKey } from '../../src/model/request-counter.ts'
import { RecentMap } from '../../src/model/recent-map.ts'
import type { AnalyticsError } from '../../src/model/errors.ts'
import { searchRuns } from '../support/search-runs.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function readKeyWith(errors: AnalyticsError[] = []) {
  const readKey = createReadKey({ pepper: undefined, maxKeys: 4 }, (error) => errors.push(error))
  return (value: unknown) => readKey(value)?.identity
}

const callerOf = (id: string) => toCountedKey({ id, label: id, name: null, owner: null })

test('the same secret has the same id in every process, another one with a pepper', () => {
  expect(keyIdOfSecret('abc', undefined)).toBe('7fd72846-8c31-0896-116d-2643be7c17f0')
  expect(keyIdOfSecret('abc', 'p')).toBe('cd4bb71a-dc90-adc1-8fad-2e6a5bd52fec')
})

test('a secret and an id of the same text are different keys', () => {
  expect(keyIdOfName('abc')).toMatch(UUID)
  expect(keyIdOfName('abc')).not.toBe(keyIdOfSecret('abc', undefined))
})

test('the pepper check tells peppers apart and is empty without one', () => {
  expect(pepperCheck(undefined)).toBe('')
  expect(pepperCheck('p')).toMatch(/^[0-9a-f]{64}$/)
  expect(pepperCheck('p')).not.toBe(pepperCheck('q'))
})

test('a label shows the ends of a secret of 20 characters and nothing of a shorter one', () => {
  const readKey = readKeyWith()
  expect(readKey('abcdefghijklmnopqrst')?.label).toBe('abcd…qrst')
  expect(readKey('abcdefghijklmnopqrs')?.label).toMatch(/^key-[0-9a-f]{8}$/)
})

test('names are cleaned and cut to 200 characters, never through one', () => {
  const key = readKeyWith()({
    id: 'x'.repeat(500),
    name: `a\u0000b\ud800\nc${'😀'.repeat(200)}`,
    owner: '\u0000',
  })
  expect(key?.label).toBe('x'.repeat(200))
  expect(key?.name).toBe(`abc${'😀'.repeat(98)}`)
  expect(key?.owner).toBe(null)
})

test('a name that changes is seen at once', () => {
  const readKey = readKeyWith()
  expect(readKey({ id: 'k', name: 'old' })?.name).toBe('old')
  expect(readKey({ id: 'k', name: 'new' })?.name).toBe('new')
  expect(readKey({ id: 'k' })?.name).toBe(null)
})

test('a counted key is the same object while its names stay, so that what was learned of it stays', () => {
  const readKey = createReadKey({ pepper: undefined, maxKeys: 4 }, () => {})
  const known = new KnownKeys(4)
  for (const value of ['a secret', { id: 'k' }, { id: 'n', name: 'Bob', owner: null }]) {
    const caller = readKey(value)!
    expect(known.has(caller)).toBe(false)
    known.learn(caller)
    expect(readKey(value)).toBe(caller)
    expect(known.has(caller)).toBe(true)
  }
  // another name is another caller of the same key, which is known by its id
  const renamed = readKey({ id: 'n', name: 'Rob' })!
  expect({ isKnown: renamed.isKnown, known: known.has(renamed) }).toEqual({ isKnown: false, known: true })
})

test('an id is the same whether it is remembered or not', () => {
  const readKey = readKeyWith()
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 50 }), (numbers) => {
      for (const number of numbers) {
        expect(readKey(`secret ${number}`)?.id).toBe(keyIdOfSecret(`secret ${number}`, undefined))
      }
    }),
  )
})

test('a recent map keeps what was used last and forgets the rest', () => {
  const map = new RecentMap<number>(10)
  map.set('kept', 1)
  for (let i = 0; i < 1000; i++) {
    map.set(`n${i}`, i)
    expect(map.get('kept')).toBe(1)
  }
  const remembered = Array.from({ length: 1000 }, (_, i) => map.get(`n${i}`)).filter((n) => n !== undefined)
  expect(remembered.length).toBeGreaterThanOrEqual(9)
  expect(remembered.length).toBeLessThanOrEqual(20)
})

test('known keys are bounded, and what was learned outlives a refresh from the database', () => {
  const known = new KnownKeys(3)
  known.learn(callerOf('learned'))
  known.replace(['a', 'b', 'c', 'd'])
  expect(['learned', 'a', 'c', 'd'].map((id) => known.has(callerOf(id)))).toEqual([true, true, true, false])
  known.replace([])
  expect(['learned', 'a'].map((id) => known.has(callerOf(id)))).toEqual([true, false])
})

test('whatever a client or an app sends, the identity can be stored', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.string({ maxLength: 400 }).map((text) => `${text}\ud83d\u0000\u001b[31m`),
    fc.string().map((text) => `aPi-KeY ${text}`),
  )
  const value = fc.oneof(
    text,
    fc.anything(),
    fc.record({ id: fc.oneof(text, fc.anything()), name: text, owner: fc.anything() }),
  )
  const headers = fc.record({
    authorization: fc.oneof(text, fc.array(text), fc.constant(undefined)),
    'x-api-key': fc.oneof(text, fc.array(text), fc.constant(undefined)),
  })
  let identified = 0
  fc.assert(
    fc.property(headers, value, (headers, apiKey) => {
      const report = () => {}
      const readKey = createReadKey({ pepper: 'p', maxKeys: 3 }, report)
      const { identifyKey } = createIdentifyKey(
        { identify: undefined, keyword: 'Api-Key', header: 'x-api-key' },
        readKey,
        new KnownKeys(3),
        report,
      )
      const found = identifyKey({ req: { headers }, state: { apiKey } } as unknown as Context, undefined)
      if (!found || found instanceof Promise) return
      identified++
      const { id, label, name, owner } = found.identity
      expect(id).toMatch(UUID)
      expect(label).not.toBe('')
      for (const text of [label, name, owner]) {
        if (text === null) continue
        expect(text.isWellFormed()).toBe(true)
        expect(text).not.toMatch(/\p{Cc}/u)
        expect(text.length).toBeLessThanOrEqual(200)
      }
    }),
    { numRuns: searchRuns(500) },
  )
  expect(identified).toBeGreaterThan(100)
})
