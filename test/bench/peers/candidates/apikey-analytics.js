/**
 * The built package with its default options: the database is the embedded SQLite unless one is given.
 * @param options `build`: folder of another build of it. `units`: what each request sets a quantity of.
 */
export default async function install(app, { dataDir, databaseUrl, units, build }) {
  const folder = build ? `file://${build}/` : new URL('../../../../', import.meta.url)
  const { apiKeyAnalytics, setUsage } = await import(new URL('dist/index.js', folder))
  app.use(
    apiKeyAnalytics({ dataDir, ...(databaseUrl && { database: databaseUrl }), ...(units && { units }) }),
  )
  return units && { onKey: (ctx) => units.forEach((unit) => setUsage(ctx, unit, 1532)) }
}
