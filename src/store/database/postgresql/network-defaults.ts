import { getDefaultResultOrder, setDefaultResultOrder } from 'node:dns'
import {
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
} from 'node:net'

/**
 * How a thread looks servers up. An app sets this by code or by options of Node, and a new thread does not inherit it.
 */
export interface NetworkDefaults {
  readonly resultOrder: ReturnType<typeof getDefaultResultOrder>
  readonly autoSelectFamily: boolean
  readonly autoSelectFamilyAttemptTimeoutMs: number
}

export function readNetworkDefaults(): NetworkDefaults {
  return {
    resultOrder: getDefaultResultOrder(),
    autoSelectFamily: getDefaultAutoSelectFamily(),
    autoSelectFamilyAttemptTimeoutMs: getDefaultAutoSelectFamilyAttemptTimeout(),
  }
}

export function setNetworkDefaults(defaults: NetworkDefaults): void {
  setDefaultResultOrder(defaults.resultOrder)
  setDefaultAutoSelectFamily(defaults.autoSelectFamily)
  setDefaultAutoSelectFamilyAttemptTimeout(defaults.autoSelectFamilyAttemptTimeoutMs)
}
