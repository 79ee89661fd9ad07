import { stripVTControlCharacters } from 'node:util'
import * as fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import { describeError } from '../../src/cli/describe-error.ts'
import { AnalyticsError } from '../../src/model/errors.ts'
import { describeQuantities } from '../../src/model/quantities.ts'
import { nameOfAmount } from '../../src/report/usage/amount.ts'
import { countOf, formatChange, formatShare } from '../../src/terminal/format-number.ts'
import { renderChart } from '../../src/report/render/render-chart.ts'
import { renderHeading } from '../../src/report/render/render-report.ts'
import { renderTable } from '../../src/report/render/render-table.ts'
import type { ReportTable } from '../../src/report/render/report-table.ts'
import { sparkline } from '../../src/terminal/sparkline.ts'

const table: ReportTable = {
  columns: [
    { name: 'key', title: 'Key', kind: 'text' },
    { name: 'requests', title: 'Requests', kind: 'count' },
    { name: 'share', title: 'Share', kind: 'share', dropFirst: 1 },
  ],
  rows: [
    ['漢字株式会社', 1234567, 0.9995],
    ['a name that is much longer than others 😀😀😀', 5, 0.0004],
  ],
  total: ['Total of 2 keys', 1234572, 1],
}

describe('renderTable', () => {
  test('aligns numbers to the right with thousands separators, whatever the width of the characters', () => {
    const lines = renderTable(table, { colour: false }).trimEnd().split('\n')
    const ends = lines.map((line) => stringWidth(line))
    expect(new Set(ends).size).toBe(1)
    expect(lines[2]).toMatch(/^漢字株式会社 +1,234,567 {2}>99\.9%$/)
    expect(lines.at(-1)).toMatch(/^Total of 2 keys +1,234,572 {2}100\.0%$/)
  })

  test.each([80, 40, 30, 20])(
    'is never wider than %i columns, keeps the count and says what it left out',
    (width) => {
      const drawn = renderTable(table, { width, colour: false })
      expect(Math.max(...drawn.split('\n').map((line) => stringWidth(line)))).toBeLessThanOrEqual(width)
      expect(drawn).toContain('1,234,567')
      if (width <= 30) expect(drawn.replaceAll('\n', ' ')).toContain('1 more column on a wider terminal.')
      if (width <= 40) expect(drawn).toContain('…')
    },
  )

  test.each([undefined, 60, 40, 31])('keeps its columns whatever people write, at a width of %s', (width) => {
    const writing = fc.array(
      fc.constantFrom(
        'a',
        '漢',
        '한',
        '😀',
        '🫠',
        '👩🏽',
        '🇩🇪',
        '❤️',
        'e\u0301',
        'ที่',
        'नम',
        'स्ते',
        'مُ',
        'שָׁ',
        '\u1112\u1161',
        '\ue0a0',
        '\uf8ff',
      ),
      { minLength: 1, maxLength: 40 },
    )
    fc.assert(
      fc.property(fc.array(writing, { minLength: 1, maxLength: 5 }), fc.boolean(), (texts, colour) => {
        const rows = texts.map((characters, index) => [characters.join(''), index, 0.5])
        const drawn = renderTable({ ...table, rows, total: [rows[0]![0]!, 7, 1] }, { width, colour })
        const lines = stripVTControlCharacters(drawn)
          .split('\n')
          .filter((line) => /\d/.test(line) && !/^\d more/.test(line))
        expect(lines).toHaveLength(texts.length + 1)
        expect(new Set(lines.map((line) => stringWidth(line))).size).toBe(1)
        expect(stringWidth(lines[0]!)).toBeLessThanOrEqual(width ?? 1000)
        for (const [index, line] of lines.entries()) {
          const [shown, ...numbers] = line.split(/ {2,}/)
          const whole = rows[index % texts.length]![0] as string
          expect(numbers.length).toBeGreaterThan(0)
          expect(line.isWellFormed()).toBe(true)
          expect(whole.startsWith(shown!.replace(/ *…?$/, ''))).toBe(true)
          if (width === undefined) expect(shown).toBe(whole)
        }
      }),
    )
  })

  test('has colours only on a screen that has them, and the same text', () => {
    const coloured = renderTable(table, { colour: true })
    expect(coloured).toContain('\u001b[1m')
    expect(stripVTControlCharacters(coloured)).toBe(renderTable(table, { colour: false }))
  })
})

describe('small pictures', () => {
  test('draws a bar per value, and means of runs when there is no room', () => {
    expect(sparkline([0, 1, 4, 8])).toBe(' ▁▄█')
    expect(sparkline([0, 8, 4, 4], 2)).toBe('██')
    expect(sparkline([])).toBe('')
  })

  test('shows every step with a request in a chart, also the smallest', () => {
    const start = new Date('2026-10-01T00:00Z')
    const steps = [1000, 0, 1].map((requests) => ({ start, requests, errors: 0 }))
    const chart = renderChart({ unit: 'day', steps }, { width: 40, colour: false }, 'UTC')
    expect(chart).toContain('1,000 ┤███')
    expect(chart).toContain('    0 ┤███     ▁▁▁')
  })

  test('leaves a gap between bars, and writes a date below every so many of them', () => {
    const days = Array.from({ length: 30 }, (_, day) => {
      return { start: new Date(Date.UTC(2026, 9, 1 + day)), requests: 8, errors: 0 }
    })
    const lines = renderChart({ unit: 'day', steps: days }, { width: 80, colour: false }, 'UTC').split('\n')
    expect(lines[1]).toBe(`8 ┤${'█ '.repeat(30)}`.trimEnd())
    expect(lines.at(-2)).toMatch(/^ {3}2026-10-01 +10-\d\d( +10-\d\d){4,}$/)
    // each date begins where its bar does
    for (const { 0: date, index } of lines.at(-2)!.matchAll(/(?<= )10-(\d\d)/g)) {
      expect((index - 3) / 2 + 1).toBe(Number(date.slice(3)))
    }
  })

  test('has the axis of its bars when there is no room for every step', () => {
    const days = Array.from({ length: 8 }, (_, day) => {
      return { start: new Date(Date.UTC(2026, 9, 1 + day)), requests: day === 3 ? 1000 : 0, errors: 0 }
    })
    const lines = renderChart({ unit: 'day', steps: days }, { width: 12, colour: false }, 'UTC').split('\n')
    // four bars, each the mean of two days
    expect(lines[1]).toBe('500 ┤ █')
  })

  test('marks the hours of a day at the same times every day', () => {
    const hours = Array.from({ length: 48 }, (_, hour) => {
      return { start: new Date(Date.UTC(2026, 9, 24, 22 + hour)), requests: 1, errors: 0 }
    })
    const dates = renderChart({ unit: 'hour', steps: hours }, { width: 80, colour: false }, 'Europe/Berlin')
    expect(dates.split('\n').at(-2)).toMatch(/^ {3}2026-10-25 00:00 +10-26 +12:00$/)
  })

  test('draws nothing without requests', () => {
    expect(renderChart({ unit: 'day', steps: [] }, { colour: false }, 'UTC')).toBe('')
  })
})

describe('numbers', () => {
  test('never shows something as nothing, or as all', () => {
    expect([0, 0.0001, 0.5, 0.9999, 1].map((share) => formatShare(share))).toEqual([
      '0.0%',
      '<0.1%',
      '50.0%',
      '>99.9%',
      '100.0%',
    ])
    expect([0.0049, 0.5, 0.996].map((share) => formatShare(share, 0))).toEqual(['<1%', '50%', '>99%'])
  })

  test('counts one thing and several', () => {
    expect([0, 1, 1234, 1n].map((count) => countOf(count, 'line'))).toEqual([
      '0 lines',
      '1 line',
      '1,234 lines',
      '1 line',
    ])
    expect(countOf(2, 'batch', 'batches')).toBe('2 batches')
    expect(describeQuantities({ tokens: '1', requests: '1' })).toBe('1 request, 1 tokens')
    expect([nameOfAmount(undefined, 1), nameOfAmount(undefined, 2), nameOfAmount('rows', 1n)]).toEqual([
      'request',
      'requests',
      'rows',
    ])
  })

  test('shows the sign of a change', () => {
    expect([0.5, -0.25, 0, 12].map(formatChange)).toEqual(['+50.0%', '-25.0%', '0.0%', '+1,200.0%'])
  })
})

describe('describeError', () => {
  test('makes one line without passwords and control characters', () => {
    const { message, exitCode } = describeError(
      new Error('bad\n  postgres://me:p@ss@host/db \u001b]0;x\u0007'),
    )
    expect({ message, exitCode }).toEqual({
      message: expect.stringContaining('bad; postgres://***@host/db'),
      exitCode: 1,
    })
    expect(message).not.toContain('\u001b')
  })

  test('gives 2 for wrong usage and 1 for everything else', () => {
    expect(describeError(new AnalyticsError('WRONG_USAGE', 'x')).exitCode).toBe(2)
    expect(describeError(new AnalyticsError('OPTION_INVALID', 'x')).exitCode).toBe(2)
    expect(describeError(new AnalyticsError('ARGUMENT_INVALID', 'x')).exitCode).toBe(2)
    expect(describeError(new AnalyticsError('DATABASE_BUSY', 'x'))).toEqual({
      code: 'DATABASE_BUSY',
      message: 'x',
      exitCode: 1,
    })
    expect(describeError(Object.assign(new Error('x'), { oclif: { exit: 2 } })).exitCode).toBe(2)
  })
})

describe('renderHeading', () => {
  const heading = {
    title: `Endpoints of ${'a very long name '.repeat(4)}`,
    databaseLabel: 'PostgreSQL usage at db.internal:5432',
    dataDir: '/srv/api/.apikey-analytics',
  }
  const period = '2026-10-01 00:00 to 2026-11-01 00:00 (Europe/Berlin)'

  test.each([undefined, 120, 80])('takes two lines at a width of %s, with the whole period', (width) => {
    const screen = { colour: false, ...(width && { width }) }
    const lines = renderHeading(heading, period, screen).trimEnd().split('\n')
    expect(lines).toEqual([
      expect.stringMatching(
        /^Endpoints of a very.* · 2026-10-01 00:00 to 2026-11-01 00:00 \(Europe\/Berlin\)$/,
      ),
      'PostgreSQL usage at db.internal:5432 · data folder /srv/api/.apikey-analytics',
    ])
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width ?? 1000)
  })

  test('names the data folder once when the database lies in it', () => {
    const databaseLabel = `SQLite ${heading.dataDir}/usage.db`
    expect(renderHeading({ ...heading, databaseLabel }, period, { colour: false })).toContain(
      `\n${databaseLabel}\n`,
    )
  })
})
