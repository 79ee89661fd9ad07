import { MikroORM as PostgreSqlOrm } from '@mikro-orm/postgresql'
import type { SqlMikroORM } from '@mikro-orm/sql'
import { MikroORM as SqliteOrm } from '@mikro-orm/sqlite'
import type { Connections } from './dialect.ts'
import type { Database } from './open-database.ts'
import { ORM_OPTIONS } from './orm-options.ts'
import { ReadOnlyPostgresql } from './postgresql/read-only-postgresql.ts'
import { readOnlySqlite } from './sqlite/read-only-sqlite.ts'

const orms = new WeakMap<Connections, SqlMikroORM>()

/**
 * MikroORM with the exported entities, on the connections of an open database; it cannot write. The store itself needs
 * none, so that only `getOrm`, `migrate` and `move` load MikroORM.
 */
export function readOnlyOrm({ connections }: Pick<Database, 'connections'>): SqlMikroORM {
  const orm = orms.get(connections) ?? createOrm(connections)
  orms.set(connections, orm)
  return orm
}

function createOrm(connections: Connections): SqlMikroORM {
  if (connections.kind === 'sqlite') {
    const { file } = connections
    return new SqliteOrm({ ...ORM_OPTIONS, dbName: file.name, driverOptions: () => readOnlySqlite(file) })
  }
  const { pool, databaseName, schema } = connections
  return new PostgreSqlOrm({
    ...ORM_OPTIONS,
    // MikroORM looks for tables in "public" and ignores the search_path
    schema,
    dbName: databaseName,
    driverOptions: () => new ReadOnlyPostgresql(pool),
  })
}
