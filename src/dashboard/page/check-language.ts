/** The language of all numbers and texts in the page. */
const FALLBACK = 'en-US'

/**
 * uPlot formats with `navigator.language` when it is loaded, and fails when that is not a valid language: with `LANG=C`
 * Chromium has `en-US@posix`. This module must be imported before uPlot until uPlot checks this itself (1.6.32 does
 * not).
 */
if (!isLanguage(navigator.language)) Object.defineProperty(navigator, 'language', { value: FALLBACK })

function isLanguage(text: unknown): boolean {
  try {
    return typeof text === 'string' && Intl.getCanonicalLocales(text).length === 1
  } catch {
    return false
  }
}
