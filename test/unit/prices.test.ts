import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePriceList } from '../../src/billing/price/price-list.ts'
import { addMoney, Pricer } from '../../src/billing/price/pricer.ts'
import { searchRuns } from '../support/search-runs.ts'

const parse = (value: unknown) => parsePriceList(JSON.stringify(value, undefined, 2), 'prices.json')

const line = (quantity: string, rest: object = {}) => ({
  customer: 'Acme',
  period: 1,
  method: 'GET',
  endpoint: '/v1/users',
  unit: 'requests',
  quantity,
  ...rest,
})

/** A decimal text as a fraction with 15 decimals. */
const SCALE = 10n ** 15n
function toScaled(text: string): bigint {
  const [whole = '0', decimals = ''] = text.split('.')
  return BigInt(whole) * SCALE + BigInt(decimals.padEnd(15, '0'))
}

/** Half even at `digits` decimals, of a number of `SCALE`ths. */
function roundScaled(scaled: bigint, digits: number): string {
  const unit = 10n ** BigInt(15 - digits)
  const sign = scaled < 0n ? -1n : 1n
  const size = scaled * sign
  const [whole, rest] = [size / unit, size % unit]
  const up = rest * 2n > unit || (rest * 2n === unit && whole % 2n === 1n)
  const rounded = whole + (up ? 1n : 0n)
  const text = String(rounded).padStart(digits + 1, '0')
  const body = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`
  return sign < 0n && rounded !== 0n ? `-${body}` : body
}

/** What `quantity` units cost, unit by unit of a tier, in whole numbers only. */
function costOf(quantity: bigint, free: bigint, tiers: readonly { upTo?: string; price: string }[]): bigint {
  let [left, from, cost] = [quantity > free ? quantity - free : 0n, 0n, 0n]
  for (const { upTo, price } of tiers) {
    const size = upTo === undefined ? left : BigInt(upTo) - from
    const used = left < size ? left : size
    cost += used * toScaled(price)
    left -= used
    if (upTo !== undefined) from = BigInt(upTo)
  }
  return cost
}

describe('prices', () => {
  test('agree with a calculation in whole numbers, for any prices, tiers and quantities', () => {
    const price = fc
      .tuple(fc.bigInt(0n, 10n ** 9n), fc.bigInt(0n, 10n ** 15n - 1n))
      .map(([whole, decimals]) => `${whole}.${String(decimals).padStart(15, '0')}`)
    const ends = fc.uniqueArray(fc.bigInt(1n, 10n ** 12n), { maxLength: 4 })
    const tiers = fc.tuple(ends, fc.array(price, { minLength: 5, maxLength: 5 })).map(([borders, prices]) => {
      const upTo = borders.toSorted((a, b) => (a < b ? -1 : 1))
      const limited = upTo.map((end, n) => ({ upTo: String(end), price: prices[n]! }))
      const last: { upTo?: string; price: string } = { price: prices.at(-1)! }
      return limited.concat(last as (typeof limited)[number])
    })
    fc.assert(
      fc.property(
        tiers,
        fc.bigInt(0n, 10n ** 6n),
        fc.array(fc.bigInt(1n, 10n ** 12n), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 6 }),
        (some, free, quantities, digits) => {
          const list = parse({
            currency: 'EUR',
            digits,
            prices: [{ unit: 'requests', free: String(free), tiers: some }],
          })
          const pricer = new Pricer(list)
          let before = 0n
          const expected: string[] = []
          const amounts = quantities.map((quantity) => {
            const cost = costOf(before + quantity, free, some) - costOf(before, free, some)
            expected.push(roundScaled(cost, digits))
            before += quantity
            return pricer.price(line(String(quantity)))!
          })
          expect(amounts).toEqual(expected)
          const sum = expected.reduce((all, amount) => all + toScaled(amount), 0n)
          expect(addMoney(amounts, digits)).toBe(roundScaled(sum, digits))
        },
      ),
      { numRuns: searchRuns(2000) },
    )
  })

  test('round half even', () => {
    const pricer = new Pricer(parse({ currency: 'EUR', prices: [{ unit: 'requests', price: '0.005' }] }))
    const priced = ['1', '3', '5', '-1'].map((quantity, n) =>
      pricer.price(line(quantity, { customer: String(n) })),
    )
    expect(priced.slice(0, 3)).toEqual(['0.00', '0.02', '0.02'])
    const list = parse({ currency: 'EUR', prices: [{ unit: 'requests', price: '0.005' }] })
    expect(new Pricer(list, () => 10n).price(line('-3'))).toBe('-0.02')
    expect(new Pricer(list, () => 10n).price(line('-1'))).toBe('0.00')
  })

  test('cost exactly what a border of tiers says', () => {
    const list = parse({
      currency: 'USD',
      prices: [{ unit: 'requests', free: '10', tiers: [{ upTo: '100', price: '1' }, { price: '0.1' }] }],
    })
    const amountOf = (quantity: string) => new Pricer(list).price(line(quantity))
    expect(['10', '11', '110', '111', '120'].map(amountOf)).toEqual([
      '0.00',
      '1.00',
      '100.00',
      '100.10',
      '101.00',
    ])
  })

  test('share a free quantity over the endpoints and keys of a customer, and not with other customers', () => {
    const list = parse({
      currency: 'EUR',
      prices: [{ unit: 'requests', endpoint: '/v1/*', free: '100', price: '1' }],
    })
    const pricer = new Pricer(list)
    expect(pricer.price(line('60'))).toBe('0.00')
    expect(pricer.price(line('60', { method: 'POST', endpoint: '/v1/orders' }))).toBe('20.00')
    expect(pricer.price(line('60', { customer: 'Globex' }))).toBe('0.00')
    expect(pricer.price(line('60', { period: 2 }))).toBe('0.00')
    expect(pricer.price(line('60', { endpoint: '/v2/orders' }))).toBeNull()
    expect(pricer.price(line('60', { unit: 'tokens' }))).toBeNull()
  })

  test('price a correction as if it had come in time', () => {
    const list = parse({
      currency: 'EUR',
      prices: [{ unit: 'requests', tiers: [{ upTo: '100', price: '1' }, { price: '0.5' }] }],
    })
    expect(new Pricer(list, () => 95n).price(line('10'))).toBe('7.50')
    expect(new Pricer(list, () => 105n).price(line('-10'))).toBe('-7.50')
  })

  test('take the first rule that fits, with or without a method', () => {
    const list = parse({
      currency: 'EUR',
      prices: [
        { unit: 'requests', endpoint: 'POST /v1/*', price: '3' },
        { unit: 'requests', endpoint: '/v1/users', price: '2' },
        { unit: 'requests', price: '1' },
      ],
    })
    const pricer = new Pricer(list)
    expect(pricer.price(line('1', { method: 'POST' }))).toBe('3.00')
    expect(pricer.price(line('1'))).toBe('2.00')
    expect(pricer.price(line('1', { endpoint: '/v1/users/:id' }))).toBe('1.00')
  })

  test('have the digits of their currency', () => {
    const amountIn = (currency: string) =>
      new Pricer(parse({ currency, prices: [{ unit: 'requests', price: '1.2345' }] })).price(line('1'))
    expect([amountIn('JPY'), amountIn('EUR'), amountIn('KWD')]).toEqual(['1', '1.23', '1.234'])
  })

  test.each([
    ['{\n  "currency": "EUR",\n  "prices": [\n}', /^prices\.json line 4: this is not JSON/],
    ['[]', /^prices\.json line 1: a price list is an object/],
    ['{\n  "currency": "euro",\n  "prices": []\n}', /line 2: "currency" is a code of ISO 4217/],
    ['{\n  "currency": "EUR",\n  "prices": []\n}', /line 3: "prices" is a list of at least one price/],
    [
      '{\n"currency": "EUR",\n"vat": 19,\n"prices": [{ "unit": "requests", "price": "1" }]\n}',
      /line 3: there is no "vat"/,
    ],
    [
      '{\n"currency": "EUR",\n"prices": [\n{ "unit": "requests", "price": "1" },\n{ "unit": "requests", "price": 0.1 }\n]\n}',
      /line 5: a price is a decimal number as text/,
    ],
    [
      '{\n"currency": "EUR",\n"prices": [\n{ "unit": "Requests", "price": "1" }\n]\n}',
      /line 4: "unit" is the name/,
    ],
    [
      '{\n"currency": "EUR",\n"prices": [\n{ "unit": "requests" }\n]\n}',
      /line 4: pass either "price" or "tiers"/,
    ],
    [
      '{\n"currency": "EUR",\n"prices": [\n{ "unit": "requests",\n"free": "1.5",\n"price": "1" }\n]\n}',
      /line 5: a quantity is a whole number as text/,
    ],
    [
      '{\n"currency": "EUR",\n"prices": [\n{ "unit": "requests", "tiers": [\n{ "upTo": "5", "price": "1" },\n{ "upTo": "4", "price": "1" },\n{ "price": "1" }] }\n]\n}',
      /line 6: "upTo" is larger than that of the tier before/,
    ],
    [
      '{\n"currency": "EUR",\n"prices": [\n{ "unit": "requests", "tiers": [\n{ "upTo": "5", "price": "1" }] }\n]\n}',
      /line 5: every tier but the last one has "upTo"/,
    ],
  ])('refuse a wrong file and name its line: %j', (text, message) => {
    expect(() => parsePriceList(text, 'prices.json')).toThrow(message)
  })
})
