/** Chromium reports a delay of its own as an error; it is harmless. */
const HARMLESS = /^ResizeObserver loop/

// written without the modules of the page: it must work when they do not
const box = document.createElement('p')
box.className = 'banner'
box.role = 'alert'

addEventListener('error', ({ message, filename }) => {
  const ofPage = filename === '' || filename.startsWith(location.origin)
  if (ofPage && !HARMLESS.test(message)) showFailure(message)
})
addEventListener('unhandledrejection', ({ reason }) => showFailure(reason))

/**
 * Shows at the top of the page that an error happened. This module must be the first import of the page, so that its
 * listeners also receive errors of the modules after it.
 */
export function showFailure(error: unknown): void {
  box.textContent = describeFailure(error)
  document.body.prepend(box)
}

/** The text for an unexpected error. */
export function describeFailure(error: unknown): string {
  const what = error instanceof Error ? error.message : String(error)
  return `This page had an error: ${what}. Reload it. If the error stays, please report it with the name and version of your browser.`
}
