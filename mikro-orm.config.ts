import { fileURLToPath } from 'node:url'
import { defineConfig as definePostgresql } from '@mikro-orm/postgresql'
import { defineConfig as defineSqlite } from '@mikro-orm/sqlite'
import { ORM_OPTIONS } from './src/store/database/orm-options.ts'
import { parseDatabaseUrl } from './src/options/parse-database-url.ts'

/** Only for our developers: what `npx mikro-orm migration:create`, `migration:check` and so on work on. */
const address = parseDatabaseUrl(process.env['DATABASE_URL'] ?? 'sqlite:.apikey-analytics/usage.db')

const options = {
  ...ORM_OPTIONS,
  logger: (message: string) => process.stdout.write(`${message}\n`),
  migrations: {
    ...ORM_OPTIONS.migrations,
    silent: false,
    path: fileURLToPath(new URL('src/store/database/migrations', import.meta.url)),
  },
}

export default address.kind === 'sqlite'
  ? defineSqlite({ ...options, dbName: address.path })
  : definePostgresql({ ...options, clientUrl: address.url })
