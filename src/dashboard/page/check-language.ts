/** The language of all numbers and texts here. */
const FALLBACK = 'en-US'

/**
 * uPlot formats with `navigator.language` when it is loaded and fails when that is no language: with `LANG=C` Chromium
 * gives `en-US@posix`. This module has to be imported before uPlot, until uPlot checks for itself (it does not in 1.6.32).
 */
if (!isLanguage(navigator.language)) Object.defineProperty(navigator, 'language', { value: FALLBACK })

function isLanguage(text: unknown): boolean {
  try {
    return typeof text === 'string' && Intl.getCanonicalLocales(text).length === 1
  } catch {
    return false
  }
}
