/**
 * How long a test waits for what must come: only a fault reaches it, however busy the machine is. Less than the
 * time-out of a test, so that the message says what did not come.
 */
export const PATIENCE_MS = 120_000
