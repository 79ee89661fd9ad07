import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { estimateBins } from '../../src/imports/layout/estimate-bins.ts'
import { openImportFile } from '../../src/imports/read/open-import-file.ts'
import { readCsv } from '../../src/imports/read/read-csv.ts'
import { readJsonValues } from '../../src/imports/read/read-json-values.ts'
import { readBucket } from '../../src/imports/read/read-time.ts'
import { maskValue } from '../../src/imports/read/refuse-line.ts'
import { measureLatency } from '../../src/model/latency.ts'
import { renderCsv } from '../../src/report/render/render-csv.ts'
import { searchRuns } from '../support/search-runs.ts'

async function* pieces(...texts: string[]): AsyncGenerator<string> {
  yield* texts
}

/** A text cut at any places. */
const cut = (text: string, places: readonly number[]): string[] => {
  const at = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b)
  return [0, ...at].map((from, index) => text.slice(from, at[index]))
}

const readAll = async (texts: readonly string[]) => {
  const records = []
  for await (const page of readCsv(pieces(...texts))) records.push(...page)
  return records
}

describe('CSV', () => {
  test('is read as it was written, wherever the pieces are cut', async () => {
    const cell = fc.option(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ';', 'ü', ' ') }))
    const table = fc
      .integer({ min: 2, max: 4 })
      .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1 }))
    await fc.assert(
      fc.asyncProperty(table, fc.array(fc.nat()), async (rows, places) => {
        // the first line decides about the separator
        const text = `h1,h2\r\n${renderCsv(rows)}`
        const [, ...read] = await readAll(cut(text, places))
        const written = rows.map((row) =>
          row.map((one) => (one !== null && /^['\r\n]/.test(one) ? `'${one}` : one)),
        )
        expect(read.map(({ cells }) => cells)).toEqual(written)
      }),
      { numRuns: searchRuns(300) },
    )
  })

  test('has its lines counted, also those within cells, and leaves empty ones out', async () => {
    const records = await readAll(['a,b\r\n1,"x\ny"\n\n\r\n2,z'])
    expect(records).toEqual([
      { line: 1, cells: ['a', 'b'] },
      { line: 2, cells: ['1', 'x\ny'] },
      { line: 6, cells: ['2', 'z'] },
    ])
  })

  test('is read with semicolons and tabs', async () => {
    expect((await readAll(['a;b\n1,5;2\n']))[1]!.cells).toEqual(['1,5', '2'])
    expect((await readAll(['a\tb\n1;5\t2\n']))[1]!.cells).toEqual(['1;5', '2'])
  })

  test.each([
    ['a,b\n"x', 'Line 2: a quote is opened and never closed.'],
    ['a,b\n"x"y,z\n', 'Line 2: there is text after a closing quote.'],
    ['a,b\n1,2\nx"y,z\n', 'Line 3: a cell has a quote and is not quoted itself.'],
  ])('is refused: %j', async (text, message) => {
    await expect(readAll([text])).rejects.toThrow(message)
  })

  test('of one endless line is not read into memory', async () => {
    let made = 0
    async function* endless(): AsyncGenerator<string> {
      for (;;) {
        made += 65_536
        yield 'x'.repeat(65_536)
      }
    }
    const reading = (async () => {
      for await (const page of readCsv(endless())) expect(page).toEqual([])
    })()
    await expect(reading).rejects.toThrow('Line 1: it is longer than 1000000 characters. Is this file CSV?')
    expect(made).toBeLessThan(2_000_000)
  })
})

describe('JSON', () => {
  const readValues = async (texts: readonly string[]) => {
    const values = []
    for await (const page of readJsonValues(pieces(...texts))) values.push(...page)
    return values
  }

  test('is read as a list and as lines, wherever the pieces are cut', async () => {
    const object = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.dictionary(fc.string(), fc.string())),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(object, { minLength: 1 }),
        fc.constantFrom('list', 'lines'),
        fc.array(fc.nat()),
        async (objects, form, places) => {
          const rows = objects.map((one) => JSON.parse(JSON.stringify(one)) as object)
          const parts = rows.map((one) => JSON.stringify(one))
          const text = form === 'list' ? `[\n${parts.join(',\n')}\n]\n` : parts.join('\n')
          const read = await readValues(cut(text, places))
          expect(read.map(({ value }) => value)).toEqual(rows)
          expect(read.map(({ line }) => line)).toEqual(rows.map((_, n) => n + (form === 'list' ? 2 : 1)))
        },
      ),
      { numRuns: searchRuns(300) },
    )
  })

  test('keeps every digit of a whole number', async () => {
    const [first] = await readValues([
      '{"a": 9223372036854775807, "b": 12, "c": -9007199254740993, "d": 1e30}',
    ])
    expect(first!.value).toEqual({
      a: 9_223_372_036_854_775_807n,
      b: 12,
      c: -9_007_199_254_740_993n,
      d: 1e30,
    })
  })

  test.each([
    ['[{"a":1} {"b":2}]', 'Line 1: a comma or the end of the list was expected.'],
    ['[{"a":1},\n', 'Line 2: the file ends before its list does.'],
    ['[{"a":1}]\n{}', 'Line 2: there is more after the end of the list.'],
    ['{"a":1}\n[1]', 'Line 2: an object was expected.'],
    ['{"a":1}\n{"a":', 'Line 2: an object has no end: is the file complete?'],
    ['{"a":1}\n{a:1}', 'Line 2: it is not JSON (a syntax error).'],
  ])('is refused: %j', async (text, message) => {
    await expect(readValues([text])).rejects.toThrow(message)
  })

  test('of one endless object is not read into memory', async () => {
    let made = 0
    async function* endless(): AsyncGenerator<string> {
      yield '[{"a":"'
      for (;;) {
        made += 1_000_000
        yield 'x'.repeat(1_000_000)
      }
    }
    const reading = (async () => {
      for await (const page of readJsonValues(endless())) expect(page).toEqual([])
    })()
    await expect(reading).rejects.toThrow('Line 1: an object is longer than 16777216 characters.')
    expect(made).toBeLessThan(20_000_000)
  })
})

describe('a time', () => {
  const hour = { bucket: 'hour', timeZone: 'UTC' } as const
  test.each([
    ['2026-10-01T14:59:59.999Z', hour, '2026-10-01T14:00:00.000Z'],
    ['2026-10-01 14:30', hour, '2026-10-01T14:00:00.000Z'],
    ['2026-10-01 14:30', { ...hour, timeZone: 'Europe/Berlin' }, '2026-10-01T12:00:00.000Z'],
    ['2026-10-01T14:30:00+0200', hour, '2026-10-01T12:00:00.000Z'],
    // of two hours with this name the first
    ['2026-10-25 02:30', { ...hour, timeZone: 'Europe/Berlin' }, '2026-10-25T00:00:00.000Z'],
    ['1790863800', hour, '2026-10-01T14:00:00.000Z'],
    ['1790863800123', hour, '2026-10-01T14:00:00.000Z'],
    [1_790_863_800, hour, '2026-10-01T14:00:00.000Z'],
    ['2026-10-01T14:31:15Z', { ...hour, bucket: 'minute' }, '2026-10-01T14:31:00.000Z'],
    ['2026-10-01', { ...hour, bucket: 'day' }, '2026-10-01T00:00:00.000Z'],
    ['2026-10-01T02:00:00+02:00', { ...hour, bucket: 'day' }, '2026-10-01T00:00:00.000Z'],
    ['2026-10-01 13:10', { ...hour, timeZone: 'Asia/Kolkata' }, '2026-10-01T07:00:00.000Z'],
  ] as const)('%s with %j begins at %s', (text, options, start) => {
    expect(new Date(readBucket(text, options, 1)).toISOString()).toBe(start)
  })

  test.each([
    ['2026-10-01', { bucket: 'day', timeZone: 'Europe/Berlin' }, 'in the middle of a UTC day'],
    ['2026-10-01T00:00:00+02:00', { bucket: 'day', timeZone: 'UTC' }, 'in the middle of a UTC day'],
    [
      '2026-10-01 12:00',
      { bucket: 'day', timeZone: 'UTC' },
      'is not the start of a UTC day. Use --bucket hour.',
    ],
    ['2026-10-01', hour, 'is a day. Use --bucket day.'],
    ['2026-10-01 13:00', { bucket: 'hour', timeZone: 'Asia/Kolkata' }, 'in the middle of a UTC hour'],
    ['2026-10-01T13:00:00+05:30', hour, 'in the middle of a UTC hour'],
    ['2026-03-29 02:30', { bucket: 'hour', timeZone: 'Europe/Berlin' }, 'does not exist in Europe/Berlin'],
    ['2026-02-30 10:00', hour, 'cannot read "2026-02-30 10:00" as a time'],
    ['10/01/2026', hour, 'cannot read "10/01/2026" as a time'],
    ['2026-10-01T24:00:00Z', hour, 'cannot read'],
    ['', hour, 'cannot read an empty cell as a time'],
    [null, hour, 'cannot read an empty cell as a time'],
    ['sk_live_0123456789abcdefghij', hour, 'cannot read "sk_l…ghij" as a time'],
  ] as const)('%s with %j is refused: %s', (text, options, message) => {
    expect(() => readBucket(text, options, 3)).toThrow(message)
    expect(() => readBucket(text, options, 3)).toThrow(/^Line 3: .* Nothing was imported\.$/)
  })
})

test('quantiles of a histogram come back from the histogram that is made of them', () => {
  const requests = fc.array(fc.tuple(fc.integer({ min: 1, max: 75 }), fc.integer({ min: 1, max: 500 })), {
    minLength: 1,
    maxLength: 8,
  })
  fc.assert(
    fc.property(requests, fc.nat(20), (bins, unmeasured) => {
      const sums = new Map<number, number>()
      for (const [bin, count] of bins) sums.set(bin, (sums.get(bin) ?? 0) + count)
      const { measuredCount, p50Us, p95Us, p99Us } = measureLatency(
        [...sums].sort(([a], [b]) => a - b).flat(),
      )!
      const made = estimateBins(measuredCount + unmeasured, measuredCount, [p50Us, p95Us, p99Us])
      expect(measureLatency(made)).toMatchObject({ measuredCount, p50Us, p95Us, p99Us })
      const counts = made.filter((_, index) => index % 2 === 1)
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(measuredCount + unmeasured)
    }),
  )
})

test('an error shows no whole secret', () => {
  expect(maskValue('sk_live_0123456789abcdef')).toBe('"sk_l…cdef"')
  expect(maskValue('2026-10-01T14:00:00.000+02:00')).toBe('"2026-10-01T14:00:00.000+02:00"')
})

describe('a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const open = (content: string | Buffer, name = 'file.csv') => {
    writeFileSync(join(folder, name), content)
    return openImportFile(join(folder, name), Readable.from([]))
  }
  const readText = async (content: string | Buffer) => {
    const file = await open(content)
    try {
      const { pieces: texts } = file.read()
      return (await Array.fromAsync(texts)).join('')
    } finally {
      await file.close()
    }
  }

  test('is read without its byte order mark', async () => {
    expect(await readText('\ufeffa,b')).toBe('a,b')
  })

  test.each([
    ['Parquet', 'PAR1x', 'a Parquet file: import the CSV, JSON or NDJSON of the same export'],
    ['a workbook', 'PK\u0003\u0004', 'an Excel workbook or a zip file'],
    ['SQLite', 'SQLite format 3', 'an SQLite database'],
    ['UTF-16', Buffer.from('\ufeffa,b', 'utf16le'), 'UTF-16: save it as UTF-8'],
    ['nothing', '', 'empty'],
  ])('of %s is refused', async (_, content, message) => {
    await expect(open(content)).rejects.toThrow(message)
  })

  test('with other bytes than UTF-8, or with NUL, is refused with the line', async () => {
    await expect(readText(Buffer.from([97, 10, 0xff, 10]))).rejects.toThrow(
      /^Line 1: this line, or one soon after it, is not UTF-8/,
    )
    await expect(readText('a\nb\n\0')).rejects.toThrow('Line 3: it has a NUL character, so it is no text.')
    await expect(readText(Buffer.from([97, 0xc3]))).rejects.toThrow('not UTF-8')
  })

  test('that is a damaged gzip is refused', async () => {
    await expect(readText(Buffer.from('1f8b0800', 'hex'))).rejects.toThrow(/cannot be decompressed/)
  })

  test('that is not there, or a folder, is refused', async () => {
    const none = Readable.from([])
    await expect(openImportFile(join(folder, 'none'), none)).rejects.toThrow('Check its name.')
    await expect(openImportFile(folder, none)).rejects.toThrow('is a directory')
  })

  test('from standard input can be read twice', async () => {
    const file = await openImportFile('-', Readable.from([Buffer.from('a,'), Buffer.from('b')]))
    const [first, second] = [file.read(), file.read()]
    expect((await Array.fromAsync(first.pieces)).join('')).toBe('a,b')
    expect((await Array.fromAsync(second.pieces)).join('')).toBe('a,b')
    expect(first.hash()).toBe(second.hash())
    await file.close()
  })
})
