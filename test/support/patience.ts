/** After this a test has hung. On a slow machine with eight busy loops, to prepare an app took more than three minutes. */
export const HANGS_MS = 900_000

/**
 * How long a test waits for what must come: only a fault reaches it, however busy the machine is. Less than the
 * time-out of a test, so that the message says what did not come.
 */
export const PATIENCE_MS = HANGS_MS / 3
