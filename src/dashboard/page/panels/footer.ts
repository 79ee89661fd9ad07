import type { Account } from '../ask-api.ts'
import { formatCount } from '../format.ts'
import { drawIcon } from '../icons.ts'
import { make } from '../make.ts'

/** The result of `verify`: whether every counted request is accounted for. */
export function drawFooter(account: Account): HTMLElement[] {
  const { accountedFor, storedRequests, missingRequests, undeliveredRequests, database } = account
  const verdict = accountedFor
    ? `Every counted request is accounted for: ${formatCount(storedRequests)} are stored.`
    : `${missingRequests > 0 ? `${formatCount(missingRequests)} counted requests are missing.` : 'The counts do not balance.'} Run "apikey-analytics verify".`
  const waiting =
    undeliveredRequests > 0
      ? make(
          'p',
          {},
          `${formatCount(undeliveredRequests)} more are counted on this machine and not delivered yet.`,
        )
      : undefined
  const parts = [
    make(
      'p',
      { class: accountedFor ? 'verified' : 'unverified' },
      drawIcon(accountedFor ? 'check' : 'cross'),
      verdict,
    ),
    waiting,
    make('p', { class: 'soft' }, database),
  ]
  return parts.filter((part) => part !== undefined)
}
