import type { Batch } from '../../model/batch.ts'
import type { KeyIdentity } from '../../model/key.ts'
import type { StoreOptions } from '../database-store.ts'
import type { NetworkDefaults } from '../database/postgresql/network-defaults.ts'
import type { PackedRows } from './pack-rows.ts'

/** What the worker is started with. */
export interface WorkerStart {
  readonly options: StoreOptions
  /** The database that the worker before it was connected to. */
  readonly databaseId: string | undefined
  readonly network: NetworkDefaults
}

/** A batch without its content, which was sent before it in parts. */
export type BatchHead = Omit<Batch, 'keys' | 'rows'>

/** To the worker. Parts come in order; a call without a batch has none. */
export type ToWorker =
  | { readonly call: number; readonly keys: readonly KeyIdentity[] }
  | { readonly call: number; readonly rows: PackedRows }
  | { readonly call: number; readonly run: 'connect' | 'close' }
  | { readonly call: number; readonly run: 'findKnownKeys'; readonly limit: number }
  | { readonly call: number; readonly run: 'recordBatch'; readonly head: BatchHead }
  | { readonly call: number; readonly run: 'forget' }
