import { askApi } from './ask-api.ts'
import type { Finding, Findings, Key } from './ask-api.ts'
import { formatCount, formatTime, nameOfKey } from './format.ts'
import { foreign, make } from './make.ts'

/** The findings of `security` in the last 24 hours. Requested only when opened, because the rules read weeks. */
export class FindingsPanel {
  readonly element: HTMLElement
  readonly #details: HTMLDetailsElement
  readonly #body = make('div', { class: 'findings', 'aria-live': 'polite' })
  readonly #addressOf: (key: Key) => string

  constructor(addressOf: (key: Key) => string) {
    this.#addressOf = addressOf
    const title = make('summary', {}, make('h2', {}, 'Security findings of the last 24 hours'))
    this.#details = make('details', {}, title, this.#body)
    this.#details.addEventListener('toggle', () => void this.#load())
    this.element = make('section', { class: 'panel' }, this.#details)
  }

  async #load(): Promise<void> {
    if (!this.#details.open) return
    this.#body.replaceChildren(make('p', { class: 'soft' }, 'Looking …'))
    try {
      const found = await askApi<Findings>('security', {}, AbortSignal.timeout(120_000))
      this.#body.replaceChildren(...this.#draw(found))
    } catch (error) {
      this.#body.replaceChildren(make('p', {}, error instanceof Error ? error.message : String(error)))
    }
  }

  #draw({ findings, keyCount, youngKeyCount }: Findings): HTMLElement[] {
    const young = youngKeyCount > 0 ? `; ${formatCount(youngKeyCount)} have too little history to judge` : ''
    const about = findings.length > 0 ? `Findings: ${formatCount(findings.length)}` : 'Nothing to see'
    return [
      make('p', { class: 'soft' }, `${about}. Keys looked at: ${formatCount(keyCount)}${young}.`),
      ...findings.map((finding) => this.#drawFinding(finding)),
    ]
  }

  #drawFinding(finding: Finding): HTMLElement {
    const { severity, kind, key, seen, normal, from, to, endpoints, advice } = finding
    const who = key
      ? make('a', { href: this.#addressOf(key) }, foreign(nameOfKey(key)))
      : make('span', {}, 'many keys')
    const fact = (name: string, ...value: (Node | string)[]) => [
      make('dt', {}, name),
      make('dd', {}, ...value),
    ]
    const on = endpoints.flatMap((endpoint, index) => [index > 0 ? ', ' : '', foreign(endpoint)])
    return make(
      'article',
      { class: `finding ${severity}` },
      make('h3', {}, make('span', { class: 'severity' }, severity), ` ${kind} `, who),
      make(
        'dl',
        {},
        ...fact('Seen', seen),
        ...fact('Normal', normal),
        ...fact('When', `${formatTime(from, 'UTC')} to ${formatTime(to, 'UTC')} (UTC)`),
        ...(on.length > 0 ? fact('On', ...on) : []),
        ...fact('Do', advice),
      ),
    )
  }
}
