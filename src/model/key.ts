/**
 * A key as the app gives it: the secret itself, which is hashed at once and never kept, or the app's own id of the key,
 * for example `{ id: 'key_42', name: 'Billing export', owner: 'ACME' }`.
 */
export type ApiKey =
  | string
  | {
      /** Stays as it is when it is a UUID; any other id is shown as the key's label. Never pass a secret here. */
      readonly id: string | number | bigint
      readonly name?: string | null | undefined
      readonly owner?: string | null | undefined
    }

/** One API key as it may be stored and shown: never its secret. */
export interface KeyIdentity {
  /** Lower-case UUID, computed from the secret or from the app's own id. */
  readonly id: string
  /** The name that people recognise: the app's id, or at most the first 4 and last 4 characters of a long secret. */
  readonly label: string
  readonly name: string | null
  readonly owner: string | null
}

/** The reserved key for requests past a limit, or of keys never seen to be real. */
export const OTHER_KEY: KeyIdentity = {
  id: '00000000-0000-0000-0000-000000000001',
  label: '(other)',
  name: null,
  owner: null,
}

/** The reserved key for requests with an unknown key that got 401 or 403. */
export const REJECTED_KEY: KeyIdentity = {
  id: '00000000-0000-0000-0000-000000000002',
  label: '(rejected)',
  name: null,
  owner: null,
}

/** Whether a key's id stands for many keys, `(other)` or `(rejected)`, and so does not count as a key. */
export function isReservedKey(id: string): boolean {
  return id === OTHER_KEY.id || id === REJECTED_KEY.id
}

/** A key as stored, with its present owner; grouped by key and owner, with the owner of the group. */
export interface KeyRecord extends KeyIdentity {
  readonly firstSeenAt: Date
  readonly lastUsedAt: Date
  /** How many keys its line has, where it stands for all of them: then the times above are those of the line. */
  readonly keyCount?: number
  /** The id of the key that it continues, where keys are listed one by one. */
  readonly continues?: string
}

/** A key as it names a group in a report, which may stand for its line. */
export type GroupKey = KeyIdentity & Pick<KeyRecord, 'keyCount'>

/** Who owned a key when. */
export interface KeyOwner {
  /** Null: from the beginning. */
  readonly since: Date | null
  /** Null: until now. */
  readonly until: Date | null
  /** Null when unknown. */
  readonly owner: string | null
  /** What a person set is never changed by the app. */
  readonly setBy: 'app' | 'person'
}
