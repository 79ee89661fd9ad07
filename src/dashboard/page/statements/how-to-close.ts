import { make } from '../make.ts'

/** What stands where no month was closed yet: how to close the last one. */
export function drawHowToClose(timeZone = 'UTC', now = new Date()): HTMLElement[] {
  const last = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1)).toISOString().slice(0, 7)
  const zone = timeZone === 'UTC' ? '' : ` --tz ${timeZone}`
  const command = `npx apikey-analytics close --month ${last}${zone} --billable 2xx --dry-run`
  return [
    make('h2', {}, 'No month was closed yet'),
    make(
      'p',
      {},
      'A statement says what is billed for a month. It never changes; what arrives late becomes a correction in the next one. Run this on the server to see the statement of the last month and what is in its way:',
    ),
    make('pre', {}, make('code', {}, command)),
    make('p', {}, 'Without --dry-run it writes the statement, which then appears here.'),
  ]
}
