import type { KeyFacts } from './ask-api.ts'
import { formatAge, formatTime } from './format.ts'
import { foreign, make } from './make.ts'
import { DAY_MS } from '../../time/units.ts'

const STALE_DAYS = 30

/** The facts about a key besides its name, with a warning when it was not used for a long time. */
export function drawKeyFacts(key: KeyFacts, timeZone: string): HTMLElement[] {
  const idle = Date.now() - Date.parse(key.lastUsedAt) > STALE_DAYS * DAY_MS
  const parts = [
    key.name === null ? undefined : foreign(key.label),
    key.owner === null ? undefined : make('span', {}, 'of ', foreign(key.owner)),
    make('span', {}, `first seen ${formatTime(key.firstSeenAt, timeZone)}`),
    make('span', {}, `last used ${formatTime(key.lastUsedAt, timeZone)} (${formatAge(key.lastUsedAt)})`),
    idle ? make('strong', { class: 'stale' }, `Not used for over ${STALE_DAYS} days`) : undefined,
    make('span', { class: 'id' }, key.id),
  ]
  return parts.filter((part) => part !== undefined)
}
