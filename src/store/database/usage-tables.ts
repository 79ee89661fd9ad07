/** The tables with rows of usage, in the order in which every writer locks them. Both have the columns of a cell. */
export const USAGE_TABLES = ['api_key_analytics', 'api_key_analytics_quantities'] as const

/**
 * Citus cannot lock rows of several shards in a fixed order, and has no snapshot of all its servers. Code that needs
 * either makes the writers wait with this lock.
 */
export const HOLD_WRITERS = `lock table ${USAGE_TABLES.join(', ')} in share row exclusive mode`
