import { escapeTerminal } from '../../terminal/escape-terminal.ts'
import { paint, wrap } from '../../terminal/screen.ts'
import type { Screen } from '../../terminal/screen.ts'

/** What a reader has to know about the numbers, each as a part of the output. */
export function renderNotes(notes: readonly string[], screen: Screen): string[] {
  return notes.map((note) => `${paint('yellow', wrap(`Note: ${escapeTerminal(note)}`, screen), screen)}\n`)
}
