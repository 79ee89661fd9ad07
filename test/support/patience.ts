/**
 * After this a test has hung. A slow machine that has eight other things to do took five minutes for a test of ten
 * seconds.
 */
export const HANGS_MS = 900_000

/**
 * How long a test waits for what must come: only a fault reaches it, however busy the machine is. Less than the
 * time-out of a test, so that the message says what did not come.
 */
export const PATIENCE_MS = HANGS_MS / 3
