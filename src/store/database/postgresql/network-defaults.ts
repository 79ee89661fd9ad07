import { getDefaultResultOrder, setDefaultResultOrder } from 'node:dns'
import {
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
} from 'node:net'

/** How a thread finds servers: an app sets it by code or by options of Node, and another thread would not know. */
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
