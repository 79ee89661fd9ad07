import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderCsv } from '../../src/report/render/render-csv.ts'

/** A strict reader of RFC 4180 that tells an empty cell from an empty text, and applies the documented rule. */
function parseCsv(csv: string): (string | null)[][] {
  const rows: (string | null)[][] = []
  let row: (string | null)[] = []
  const cell = /("((?:[^"]|"")*)"|[^,"\r\n]*)(,|\r\n)/y
  while (cell.lastIndex < csv.length) {
    const [, raw = '', quoted, end] = cell.exec(csv) ?? []
    if (end === undefined) throw new Error('Not RFC 4180')
    const text = quoted === undefined ? raw : quoted.replaceAll('""', '"')
    row.push(raw === '' ? null : text.replace(/^'/, ''))
    if (end === '\r\n') {
      rows.push(row)
      row = []
    }
  }
  return rows
}

describe('renderCsv', () => {
  test('quotes what needs quotes and ends lines with CRLF', () => {
    expect(renderCsv([['a', 'b,c', 'say "hi"', 'x\ny', 1, null, '', true]])).toBe(
      'a,"b,c","say ""hi""","x\ny",1,,"",true\r\n',
    )
  })

  test.each(['=1+1', '+1', '-1', '@sum', '\tx', '\rx', '\nx', '＝1', "'quoted"])(
    'puts an apostrophe before %j, so that no spreadsheet runs it',
    (text) => {
      expect(
        renderCsv([[text]])
          .replace(/^"/, '')
          .startsWith("'"),
      ).toBe(true)
    },
  )

  test('quotes what has the separator in it', () => {
    expect(renderCsv([['a;b', 'c,d', 0.5]], ';')).toBe('"a;b";c,d;0.5\r\n')
  })

  test('leaves numbers alone, also negative ones', () => {
    expect(renderCsv([[-0.5, 12]])).toBe('-0.5,12\r\n')
  })

  test('writes times in UTC', () => {
    expect(renderCsv([[new Date(0)]])).toBe('1970-01-01T00:00:00.000Z\r\n')
  })

  test('gives back exactly the table when it is parsed by the documented rule', () => {
    const cell = fc.option(fc.string({ unit: fc.constantFrom(...Array.from('=+-@\t\r\n\'",aé漢 ')) }), {
      nil: null,
    })
    const table = fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }))
    fc.assert(
      fc.property(table, (rows) => {
        expect(parseCsv(renderCsv(rows))).toEqual(rows)
      }),
    )
  })
})
