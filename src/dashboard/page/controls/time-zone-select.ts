import { make } from '../make.ts'

const DEFAULT_ZONE = 'UTC'
/** Where the browser keeps the zones that were used, latest first. */
const STORED = 'apikey-analytics.time-zones'
const MOST_RECENT = 5

/** A choice of the time zone: UTC, that of the browser and those used lately come first, then all others. */
export class TimeZoneSelect {
  readonly element = make('select', { 'aria-label': 'Time zone' })
  readonly #here = readZoneOfBrowser()
  #recent = readRecent()

  constructor() {
    this.#draw()
  }

  get value(): string {
    return this.element.value
  }

  /** Selects a zone and remembers it. A zone that the browser does not know, from the address, is added. */
  show(zone: string): void {
    if (!this.#first().includes(zone)) {
      this.#recent = [zone, ...this.#recent].slice(0, MOST_RECENT)
      // An address may name any zone, but only known ones are worth remembering.
      if (isZone(zone)) writeRecent(this.#recent)
      this.#draw()
    }
    this.element.value = zone
  }

  #first(): string[] {
    return [...new Set([DEFAULT_ZONE, ...(this.#here ? [this.#here] : []), ...this.#recent])]
  }

  #draw(): void {
    const first = this.#first()
    // Not every browser lists time zones.
    const others = (Intl.supportedValuesOf?.('timeZone') ?? []).filter((zone) => !first.includes(zone))
    this.element.replaceChildren(
      makeGroup('Yours', first, this.#here),
      ...(others.length > 0 ? [makeGroup('All', others)] : []),
    )
  }
}

function makeGroup(label: string, zones: readonly string[], here?: string): HTMLElement {
  const options = zones.map((zone) => {
    const name = zone.replaceAll('_', ' ')
    return make('option', { value: zone }, zone === here ? `${name} (here)` : name)
  })
  return make('optgroup', { label }, ...options)
}

/** Undefined when the browser has no time zone, or `Etc/Unknown`. */
function readZoneOfBrowser(): string | undefined {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone as string | undefined
  return here !== undefined && isZone(here) ? here : undefined
}

function isZone(timeZone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en-US', { timeZone }))
  } catch {
    return false
  }
}

/** A browser may deny its storage, and anything may be in it. */
function readRecent(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORED) ?? '[]')
    const zones = Array.isArray(stored) ? stored : []
    return zones.filter((zone) => typeof zone === 'string' && isZone(zone)).slice(0, MOST_RECENT)
  } catch {
    return []
  }
}

function writeRecent(zones: readonly string[]): void {
  try {
    localStorage.setItem(STORED, JSON.stringify(zones.filter(isZone)))
  } catch {
    // Without a storage the zones are remembered until the page is closed.
  }
}
