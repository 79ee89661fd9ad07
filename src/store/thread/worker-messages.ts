import type { Batch } from '../../model/batch.ts'
import type { KeyIdentity } from '../../model/key.ts'
import type { RouteRegistration } from '../../model/route.ts'
import type { StoreOptions } from '../database-store.ts'
import type { NetworkDefaults } from '../database/postgresql/network-defaults.ts'
import type { PackedRows } from './pack-rows.ts'

/** The start data of the worker. */
export interface WorkerStart {
  readonly options: StoreOptions
  /** The database of the previous worker. */
  readonly databaseId: string | undefined
  readonly network: NetworkDefaults
}

/** A batch without its keys and rows, which are sent before it in parts. */
export type BatchHead = Omit<Batch, 'keys' | 'rows'>

/** Messages to the worker. Parts come in order; a call without a batch has none. */
export type ToWorker =
  | { readonly call: number; readonly keys: readonly KeyIdentity[] }
  | { readonly call: number; readonly rows: PackedRows }
  | { readonly call: number; readonly run: 'connect' | 'close' }
  | { readonly call: number; readonly run: 'findKnownKeys'; readonly limit: number }
  | { readonly call: number; readonly run: 'findQuotas'; readonly limit: number; readonly now: number }
  | {
      readonly call: number
      readonly run: 'registerRoutes'
      readonly registration: RouteRegistration
    }
  | { readonly call: number; readonly run: 'findDeprecations'; readonly limit: number }
  | { readonly call: number; readonly run: 'recordBatch'; readonly head: BatchHead }
  | { readonly call: number; readonly run: 'forget' }
