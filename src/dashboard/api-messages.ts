import type { DatabaseLocation } from '../options/database-location.ts'
import type { NetworkDefaults } from '../store/database/postgresql/network-defaults.ts'
import type { ApiRequest } from './api.ts'
import type { ApiFile } from './statements/open-statement-file.ts'

/** What the thread that reads the database starts with. */
export interface ApiWorkerStart extends DatabaseLocation {
  readonly network: NetworkDefaults
}

/** Messages to the thread that reads the database: a request, or a file that is opened, read piece by piece, and closed. */
export type ToApiWorker =
  | { readonly request: ApiRequest }
  | { readonly open: ApiRequest }
  | { readonly read: string }
  | { readonly close: string }

/** A file that was opened, by its id there. */
export type SentFile = Omit<ApiFile, 'pieces'> & { readonly id: string }
