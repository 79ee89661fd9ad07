import { AnalyticsError } from '../model/errors.ts'

/**
 * When the rules report something. All can be set; the defaults were tuned on generated traffic (`npm run
 * bench:security`).
 */
export interface Thresholds {
  /** Weeks before the period that define what is normal. Default: 4. */
  readonly historyWeeks: number
  /** Days of its own history that a key needs before its rate, errors and endpoints are checked. Default: 14. */
  readonly minHistoryDays: number
  /** How unlikely an hour must be: 8 stands for a chance of at most 1 in 10^8. Default: 8. */
  readonly surprise: number
  /** unusual-rate, unusual-quantity: requests in an hour, at least. Default: 200. */
  readonly rateRequests: number
  /** unusual-rate, unusual-quantity: times the usual rate of that hour of the week, at least. Default: 4. */
  readonly rateFactor: number
  /** rejected-burst: requests answered 401 or 403 in an hour, at least. Default: 100. */
  readonly rejectedRequests: number
  /** rejected-burst: times the usual number, at least. Default: 5. */
  readonly rejectedFactor: number
  /** refused-key: refused requests in hours in which nearly all were refused, at least. Default: 50. */
  readonly refusedRequests: number
  /** refused-key: refused part of the requests of an hour that counts as refused, 0 to 1. Default: 0.9. */
  readonly refusedShare: number
  /** error-jump: failed requests in an hour, at least. Default: 50. */
  readonly errorRequests: number
  /** error-jump: by how much the part of failed requests is above the usual one, 0 to 1. Default: 0.25. */
  readonly errorShare: number
  /** error-jump: keys that jump in the same hour and are reported as one finding. Default: 5. */
  readonly errorKeys: number
  /** scanning: requests answered 404 or 405 in an hour, at least. Default: 60. */
  readonly scanRequests: number
  /** scanning: different endpoints among them, unless no route matched. Default: 20. */
  readonly scanEndpoints: number
  /** new-endpoint: requests to it in the period, at least. Default: 50. */
  readonly newEndpointRequests: number
  /** new-endpoint: when more keys than this begin to use an endpoint, it is a release. Default: 2. */
  readonly newEndpointKeys: number
  /** dormant-key: days without a request. Default: 45. */
  readonly dormantDays: number
  /** dormant-key: requests in the period, at least. Default: 10. */
  readonly dormantRequests: number
  /** new-key-volume: days for which a key counts as new. Default: 7. */
  readonly newKeyDays: number
  /** new-key-volume: requests a day, at least; also more than nine of ten other keys make. Default: 1000. */
  readonly newKeyRequests: number
}

/** The default thresholds. */
export const DEFAULT_THRESHOLDS: Thresholds = {
  historyWeeks: 4,
  minHistoryDays: 14,
  surprise: 8,
  rateRequests: 200,
  rateFactor: 4,
  rejectedRequests: 100,
  rejectedFactor: 5,
  refusedRequests: 50,
  refusedShare: 0.9,
  errorRequests: 50,
  errorShare: 0.25,
  errorKeys: 5,
  scanRequests: 60,
  scanEndpoints: 20,
  newEndpointRequests: 50,
  newEndpointKeys: 2,
  dormantDays: 45,
  dormantRequests: 10,
  newKeyDays: 7,
  newKeyRequests: 1000,
}

/** The defaults with the given thresholds. @throws ARGUMENT_INVALID for an unknown name or an invalid value */
export function resolveThresholds(given: Readonly<Record<string, unknown>>): Thresholds {
  const thresholds = { ...DEFAULT_THRESHOLDS }
  for (const [name, value] of Object.entries(given)) {
    if (!isThreshold(name)) {
      const names = Object.keys(DEFAULT_THRESHOLDS).join(', ')
      throw new AnalyticsError(
        'ARGUMENT_INVALID',
        `There is no threshold ${JSON.stringify(name)}. There are ${names}.`,
      )
    }
    if (value === undefined) continue
    requireThreshold(name, value)
    thresholds[name] = value
  }
  return thresholds
}

/** Whether there is a threshold with a name. */
export function isThreshold(name: string): name is keyof Thresholds {
  return Object.hasOwn(DEFAULT_THRESHOLDS, name)
}

/** @throws ARGUMENT_INVALID for a value that a threshold cannot have */
export function requireThreshold(name: keyof Thresholds, value: unknown): asserts value is number {
  const [least, most] = name.endsWith('Share') ? [0, 1] : name === 'historyWeeks' ? [1, 52] : [0, 1e9]
  const whole = name === 'historyWeeks'
  if (typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value))) {
    return
  }
  const kind = whole ? 'whole number' : 'number'
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    `The threshold ${name} is ${JSON.stringify(value) ?? typeof value}, expected a ${kind} from ${least} to ${most}.`,
  )
}
