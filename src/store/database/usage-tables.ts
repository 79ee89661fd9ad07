/** The tables with rows of usage, in the order in which every writer locks them. Both have the columns of a cell. */
export const USAGE_TABLES = ['api_key_analytics', 'api_key_analytics_quantities'] as const
