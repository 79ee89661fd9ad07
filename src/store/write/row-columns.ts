/** The columns of rows that are given to a statement, and their types on PostgreSQL. */
export const QUANTITY_COLUMNS = {
  key_id: 'uuid',
  endpoint: 'text',
  method: 'text',
  status: 'smallint',
  unit: 'text',
  request_count: 'bigint',
  quantity: 'bigint',
}

export const CELL_COLUMNS = {
  key_id: 'uuid',
  endpoint: 'text',
  method: 'text',
  status: 'smallint',
  request_count: 'bigint',
  duration_us: 'bigint',
  duration_first_bin: 'smallint',
  // a JSON array: unnest would split nested arrays too
  duration_bins: 'text',
}
