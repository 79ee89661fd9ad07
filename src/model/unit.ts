/** Most units of an app. */
export const MOST_UNITS = 16
/** Most of one unit in one request: ten million million. So no client can use up the numbers of a batch. */
export const MOST_PER_REQUEST = 1e13
/** The unit of requests, which is always counted and cannot be declared. */
export const REQUESTS_UNIT = 'requests'

/** Whether a text can name a unit. */
export function isUnitName(text: unknown): text is string {
  return typeof text === 'string' && /^[a-z][a-z0-9_]{0,31}$/.test(text) && text !== REQUESTS_UNIT
}
