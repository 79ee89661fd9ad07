/** Where the quantities of a unit are stored: rows of a table `t` with the dimensions of a cell. */
export interface CountedUnits {
  readonly table: string
  /** SQL for the unit of a row, and for its quantity. */
  readonly unit: string
  readonly quantity: string
}

/** Everything that a statement bills. */
export const COUNTED_UNITS: readonly CountedUnits[] = [
  { table: 'api_key_analytics', unit: "'requests'", quantity: 't.request_count' },
  { table: 'api_key_analytics_quantities', unit: 't.unit', quantity: 't.quantity' },
]
