/**
 * Loaded with `--import` before an app of the documentation, which flushes every five seconds as it does at its user's:
 * its intervals are a hundred times as short, so that no test waits for them.
 */
const { setInterval: start } = globalThis

globalThis.setInterval = ((run: () => void, ms: number, ...rest: []) =>
  start(run, ms / 100, ...rest)) as typeof setInterval
