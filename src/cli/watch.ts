import { setTimeout as wait } from 'node:timers/promises'
import { withInterruption } from './interruption.ts'

const INTERVAL_MS = 2000
/** Cursor home, and clear what is below: the old picture is overwritten without flicker. */
const REDRAW = '\x1b[H\x1b[J'

/**
 * Draws again and again until Ctrl-C or until the reader closes the pipe. In a pipe each picture follows the one
 * before.
 */
export async function watch(
  draw: () => Promise<string>,
  output: NodeJS.WriteStream = process.stdout,
): Promise<void> {
  await withInterruption(async (signal) => {
    if (output.isTTY) output.write('\x1b[2J')
    while (!signal.aborted && output.writable) {
      const picture = await draw()
      output.write(output.isTTY ? `${REDRAW}${cutLines(picture, output.rows)}` : `${picture}\n`)
      // An abort ends the wait early; the loop checks it.
      await wait(INTERVAL_MS, undefined, { signal }).catch(() => {})
    }
    // the shell's next output begins on its own line, after the ^C of the terminal
    if (output.isTTY) output.write('\n')
  })
}

/** Cuts a picture to the screen. A taller one would scroll, and the next one would be drawn below it. */
function cutLines(picture: string, rows: number): string {
  const lines = picture.trimEnd().split('\n')
  if (lines.length < rows) return `${lines.join('\n')}\n`
  const shown = lines.slice(0, Math.max(1, rows - 2))
  return `${shown.join('\n')}\n… ${lines.length - shown.length} more lines on a taller terminal.\n`
}
