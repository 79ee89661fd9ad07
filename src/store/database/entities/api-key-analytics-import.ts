import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** A file that was imported, and what it brought. */
export class ApiKeyAnalyticsImport {
  /** The `import_id` of its rows. A number is never given twice. */
  id!: number
  /** Such as the name of the file. */
  name!: string
  format!: 'export' | 'csv' | 'drf-simple-apikey'
  /** Hash of the file, so that it is not imported twice; hexadecimal. */
  sha256!: string
  importedAt!: Date
  /** Start of the first bucket, and end of the last one. */
  since!: Date
  until!: Date
  /** Rows of the file. */
  rowCount!: number
  requestCount!: number
  /** Of those requests: pruned or forgotten since then. */
  removedRequestCount!: number
}

/** Table `api_key_analytics_imports`. */
export const ApiKeyAnalyticsImportSchema: EntitySchema<ApiKeyAnalyticsImport> = defineEntity({
  class: ApiKeyAnalyticsImport,
  tableName: 'api_key_analytics_imports',
  properties: {
    id: p.integer().fieldName('id').primary().autoincrement(),
    name: p.text().fieldName('name'),
    format: p.text().$type<ApiKeyAnalyticsImport['format']>().fieldName('format'),
    sha256: p.text().fieldName('sha256'),
    importedAt: p.datetime().fieldName('imported_at'),
    since: p.datetime().fieldName('since'),
    until: p.datetime().fieldName('until'),
    rowCount: p.bigint('number').fieldName('row_count'),
    requestCount: p.bigint('number').fieldName('request_count'),
    removedRequestCount: p.bigint('number').fieldName('removed_request_count').defaultRaw('0'),
  },
})
