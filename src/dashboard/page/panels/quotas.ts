import { askApi } from '../ask-api.ts'
import type { Quota, Quotas } from '../ask-api.ts'
import { formatCount, formatShare, formatTime } from '../format.ts'
import { foreign, make } from '../make.ts'
import { addressOfPage } from '../view.ts'
import type { View } from '../view.ts'

/** Few, because the chart comes after them. */
const ON_OVERVIEW = '4'
const ON_PAGE = '24'
/** From here on a quota is nearly used up. */
const NEAR = 0.8

/** The quotas of what is shown, as bars, the most used first. Hidden where there are none. */
export class QuotaPanel {
  readonly element: HTMLElement
  readonly #about = make('p', { class: 'soft' })
  readonly #list = make('ul', { class: 'quotas' })

  constructor() {
    this.element = make(
      'section',
      { class: 'panel', hidden: true },
      make('header', {}, make('h2', {}, 'Quotas'), this.#about),
      this.#list,
    )
  }

  /** Asks for the quotas and draws them. An endpoint has none. */
  async load(view: View, signal: AbortSignal): Promise<void> {
    const { key, owner, endpoint } = view
    const limit = (key ?? owner) === undefined ? ON_OVERVIEW : ON_PAGE
    const found =
      endpoint === undefined ? await askApi<Quotas>('quotas', { key, owner, limit }, signal) : { quotas: [] }
    this.element.hidden = found.quotas.length === 0
    if (!('quotaCount' in found)) return
    this.#about.textContent = describe(found, view['tz'] ?? 'UTC')
    this.#list.replaceChildren(...found.quotas.map((quota) => drawQuota(quota, view)))
  }
}

function describe({ quotas, quotaCount, completeUntil }: Quotas, timeZone: string): string {
  const some =
    quotaCount > quotas.length ? `The ${quotas.length} most used of ${formatCount(quotaCount)}. ` : ''
  return completeUntil ? `${some}Complete until ${formatTime(completeUntil, timeZone)}` : some
}

function drawQuota(quota: Quota, view: View): HTMLElement {
  const { used, limit, unit, per, share, until, timeZone } = quota
  const bar = make('span', { class: 'bar' })
  bar.style.setProperty('--share', String(Math.min(1, share)))
  const state = share >= 1 ? 'over' : share >= NEAR ? 'near' : ''
  const amount = `${formatCount(BigInt(used))} of ${formatCount(BigInt(limit))}`
  return make(
    'li',
    { class: `quota ${state}` },
    drawSubject(quota, view),
    make('span', { class: 'soft' }, ` ${unit} per ${per}`),
    make('span', { class: 'amount' }, make('strong', {}, formatShare(share)), ` ${amount}`),
    make('span', { class: 'track' }, bar),
    make(
      'span',
      { class: 'soft resets' },
      state === 'over' ? make('strong', {}, 'Used up. ') : undefined,
      `Begins again ${formatTime(until, timeZone)} (${timeZone})`,
    ),
  )
}

/** The key or customer of a quota, with a link unless its page is shown. */
function drawSubject({ keyId, owner, name }: Quota, view: View): HTMLElement {
  const isShown =
    keyId === null ? view['owner'] === owner && view['key'] === undefined : view['key'] === keyId
  if (isShown) return foreign(name, { class: 'subject' })
  const page: View = keyId === null ? { owner: owner ?? '' } : { key: keyId }
  return make('a', { class: 'subject', href: addressOfPage(view, page) }, foreign(name))
}
