/** Chromium reports a delay of its own as an error; nothing is wrong then. */
const HARMLESS = /^ResizeObserver loop/

// by hand: it must work when nothing else does
const box = document.createElement('p')
box.className = 'banner'
box.role = 'alert'

addEventListener('error', ({ message, filename }) => {
  const ofPage = filename === '' || filename.startsWith(location.origin)
  if (ofPage && !HARMLESS.test(message)) showFailure(message)
})
addEventListener('unhandledrejection', ({ reason }) => showFailure(reason))

/**
 * Says above everything else that the page met an error. This module has to be the first import of the page: its
 * listeners also hear of errors in the modules that come after it.
 */
export function showFailure(error: unknown): void {
  box.textContent = describeFailure(error)
  document.body.prepend(box)
}

/** What to say of an error that nobody expected. */
export function describeFailure(error: unknown): string {
  const what = error instanceof Error ? error.message : String(error)
  return `This page met an error: ${what}. Reload it. If the error stays, please report it with the name and version of your browser.`
}
