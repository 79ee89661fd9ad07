import { describe, expect, test } from 'vitest'
import { escapeJson, escapeTerminal, escapeTerminalLines } from '../../src/terminal/escape-terminal.ts'
import { escapeMarkdown } from '../../src/report/render/render-markdown.ts'

const hostile = '\x1b[2J\x07\r\n\t\x7f\x9b5A\u202e\u2066\u200b\ufeff\u2028\ud800'
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

describe('escapeTerminal', () => {
  test('lets no control, escape, bidi or invisible character through and shows what was there', () => {
    const safe = escapeTerminal(hostile)
    expect(safe).not.toMatch(unsafe)
    expect(safe).toBe(
      String.raw`\x1b[2J\x07\x0d\x0a\x09\x7f\x9b5A\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{d800}`,
    )
  })

  test('keeps letters of every script and emoji', () => {
    expect(escapeTerminal('añ漢字😀')).toBe('añ漢字😀')
  })

  test('keeps line ends in text of several lines', () => {
    expect(escapeTerminalLines('a\r\nb\x1b')).toBe('a\r\nb\\x1b')
  })
})

describe('escapeJson', () => {
  test('keeps the value and hides the characters', () => {
    const json = escapeJson(JSON.stringify({ name: `${hostile}\u{e0001}` }, null, 2))
    expect(json.replaceAll('\n', '')).not.toMatch(unsafe)
    expect(JSON.parse(json)).toEqual({ name: `${hostile}\u{e0001}` })
  })
})

describe('escapeMarkdown', () => {
  test('escapes what would end a cell or mean something', () => {
    expect(escapeMarkdown('a|b\nc <b> *x* `y` [z](u) \\')).toBe(
      String.raw`a\|b\\x0ac \<b\> \*x\* \`y\` \[z\](u) \\`,
    )
  })
})
