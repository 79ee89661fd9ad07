import { Type } from '@mikro-orm/core'
import type { Platform } from '@mikro-orm/core'

/** Numbers in one column: an array on PostgreSQL, a JSON array on SQLite. */
export class DurationBinsType extends Type<number[], unknown> {
  override convertToJSValue(value: unknown): number[] {
    const items = typeof value === 'string' ? (JSON.parse(value) as unknown[]) : (value as unknown[])
    return items.map(Number)
  }

  override convertToDatabaseValue(value: number[], platform: Platform): unknown {
    const json = JSON.stringify(value)
    return hasArrays(platform) ? json.replace('[', '{').replace(']', '}') : json
  }

  override getColumnType(_property: unknown, platform: Platform): string {
    return hasArrays(platform) ? 'bigint[]' : 'text'
  }
}

/** Checks for a method that only PostgreSQL's platform has: importing the platform would load it for every app. */
function hasArrays(platform: Platform): boolean {
  return platform.getDefaultSchemaName() === 'public'
}
