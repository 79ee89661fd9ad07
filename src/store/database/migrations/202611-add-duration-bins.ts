import { Migration } from '@mikro-orm/migrations'
import { isPostgresql } from './is-postgresql.ts'

/**
 * How long requests took, as a histogram per row. Rows that are there keep null, which is quick for any number of them:
 * their requests were not measured.
 */
export class Migration202611AddDurationBins extends Migration {
  override up(): void {
    for (const [column, type] of this.#columns()) {
      this.addSql(`alter table api_key_analytics add column ${column} ${type} null`)
    }
  }

  override down(): void {
    for (const [column] of this.#columns().toReversed()) {
      this.addSql(`alter table api_key_analytics drop column ${column}`)
    }
  }

  #columns(): [name: string, type: string][] {
    const [number, numbers] = isPostgresql(this) ? ['smallint', 'bigint[]'] : ['integer', 'text']
    return [
      ['duration_first_bin', number],
      ['duration_bins', numbers],
    ]
  }
}
