import type { KeyFacts } from '../ask-api.ts'
import { formatAge, formatDay, formatTime } from '../format.ts'
import { foreign, make, showInvisible } from '../make.ts'
import { addressOfPage } from '../view.ts'
import type { View } from '../view.ts'
import { DAY_MS } from '../../../time/units.ts'

const STALE_DAYS = 30

/** The facts about a key besides its name, with a warning when it was not used for a long time. */
export function drawKeyFacts(key: KeyFacts, view: View): HTMLElement[] {
  const idle = Date.now() - Date.parse(key.lastUsedAt) > STALE_DAYS * DAY_MS
  const timeZone = view['tz'] ?? 'UTC'
  const parts = [
    key.name === null ? undefined : foreign(key.label),
    drawOwners(key, view, timeZone),
    drawLine(key, view),
    make('span', {}, `first seen ${formatTime(key.firstSeenAt, timeZone)}`),
    make('span', {}, `last used ${formatTime(key.lastUsedAt, timeZone)} (${formatAge(key.lastUsedAt)})`),
    idle ? make('strong', { class: 'stale' }, `Not used for over ${STALE_DAYS} days`) : undefined,
    make('span', { class: 'id' }, key.id),
  ]
  return parts.filter((part) => part !== undefined)
}

/** Of a key that is linked to others: all of them, each with a link to what it has alone. */
function drawLine({ id, line }: KeyFacts, view: View): HTMLElement | undefined {
  if (!line) return undefined
  if (view['links'] === '0') {
    const all = make('a', { href: addressOfPage(view, { key: id }) }, `line of ${line.length} keys`)
    return make('span', {}, 'alone, without the others of its ', all)
  }
  const parts = line.flatMap((part, index) => [
    index === 0 ? '' : ', ',
    make(
      'a',
      { href: addressOfPage(view, { key: part.id, links: '0' }), title: showInvisible(part.name ?? part.id) },
      foreign(part.label),
    ),
  ])
  return make('span', {}, `line of ${line.length} keys: `, ...parts)
}

/** The owner with a link to its page. Of a key that was transferred, every owner with its time, the present one first. */
function drawOwners({ owner, owners }: KeyFacts, view: View, timeZone: string): HTMLElement | undefined {
  const linkTo = (name: string | null) =>
    name === null ? 'nobody known' : make('a', { href: addressOfPage(view, { owner: name }) }, foreign(name))
  const [now, ...former] = owners.toReversed()
  const given = former.filter((period) => period.owner !== null)
  if (!now || given.length === 0) return owner === null ? undefined : make('span', {}, 'of ', linkTo(owner))
  const day = (instant: string) => formatDay(new Date(instant), timeZone)
  const since = now.since === null ? '' : ` since ${day(now.since)}`
  const before = given.map((period) => {
    const isGap = period.until !== null && period.until !== now.since
    return make('span', {}, ', before of ', linkTo(period.owner), isGap ? ` until ${day(period.until)}` : '')
  })
  return make('span', {}, 'of ', linkTo(now.owner), since, ...before)
}
