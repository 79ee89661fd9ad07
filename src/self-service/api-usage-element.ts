/** The element `<api-usage>`, which `import 'apikey-analytics/api-usage.js'` defines: an `HTMLElement` with these. */
export interface ApiUsageElement {
  /** Headers that are sent along, such as `{ Authorization: 'Bearer …' }`. A page with a session needs none. */
  headers: Readonly<Record<string, string>>
  /** Asks again and draws the answer. Never rejects: the element shows what went wrong. */
  load(): Promise<void>
}
