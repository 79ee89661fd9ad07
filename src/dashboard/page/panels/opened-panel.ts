import { make } from '../make.ts'

/** A panel that is loaded only when it is opened, because that takes long or few people need it. */
export class OpenedPanel {
  readonly element: HTMLElement
  readonly #details: HTMLDetailsElement
  readonly #body = make('div', { class: 'findings', 'aria-live': 'polite' })
  readonly #draw: () => Promise<readonly Node[]>

  constructor(title: string, draw: () => Promise<readonly Node[]>) {
    this.#draw = draw
    this.#details = make('details', {}, make('summary', {}, make('h2', {}, title)), this.#body)
    this.#details.addEventListener('toggle', () => void this.#load())
    this.element = make('section', { class: 'panel' }, this.#details)
  }

  async #load(): Promise<void> {
    if (!this.#details.open) return
    this.#body.replaceChildren(make('p', { class: 'soft' }, 'Looking …'))
    try {
      this.#body.replaceChildren(...(await this.#draw()))
    } catch (error) {
      this.#body.replaceChildren(make('p', {}, error instanceof Error ? error.message : String(error)))
    }
  }
}
