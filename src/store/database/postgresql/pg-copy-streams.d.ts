/** The part of pg-copy-streams that is used; it has no types of its own. */
declare module 'pg-copy-streams' {
  import type { Readable } from 'node:stream'
  import type { Submittable } from 'pg'
  /** A statement for `client.query`, and the stream of what it copies. */
  export function to(sql: string): Readable & Submittable & Timed
  /** What the driver reads and sets on every statement. */
  interface Timed {
    query_timeout?: number
    callback?: () => void
  }
}
