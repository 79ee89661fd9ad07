/** How long names may be looked up, in milliseconds: who presses Tab does not wait longer. */
export const NAMES_LIMIT_MS = 2000
