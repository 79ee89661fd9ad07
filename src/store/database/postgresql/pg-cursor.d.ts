/** The part of pg-cursor that is used; it has no types of its own. */
declare module 'pg-cursor' {
  import type { PostgresCursorConstructor } from 'kysely'
  const Cursor: PostgresCursorConstructor
  export default Cursor
}
