/** The built package with its default options: the database is the embedded SQLite unless one is given. */
import { apiKeyAnalytics } from '../../../../dist/index.js'

export default function install(app, { dataDir, databaseUrl }) {
  app.use(apiKeyAnalytics({ dataDir, ...(databaseUrl && { database: databaseUrl }) }))
}
