import type { Database } from '../open-database.ts'
import { readOnlyOrm } from '../read-only-orm.ts'
import { MIGRATIONS_TABLE } from './migration-names.ts'
import { MIGRATIONS } from './migrations.ts'

/** The statements that apply migrations and record them, as MikroORM's migrator would. Loading this loads MikroORM. */
export function writeUps(db: Database, names: readonly string[]): string[] {
  return names.flatMap((name) => [
    ...writeStatements(db, name, 'up'),
    `insert into ${MIGRATIONS_TABLE} (name) values ('${name}')`,
  ])
}

/** The statements of one way of a migration, without what records it. */
export function writeStatements(db: Database, name: string, way: 'up' | 'down'): string[] {
  const { em, config } = readOnlyOrm(db)
  const { class: Migration } = MIGRATIONS.find((migration) => migration.name === name)!
  const migration = new Migration(em.getDriver(), config)
  migration[way]()
  return migration.getQueries() as string[]
}
