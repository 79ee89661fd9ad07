/** The middleware of drf-simple-apikey 2.4: reads the row of the key, changes its JSON, and writes all of it back. */
import pg from 'pg'

const FIND = { name: 'find', text: 'select request_number, accessed_endpoints from analytics where key = $1' }
const MAKE = {
  name: 'make',
  text: `insert into analytics (key, request_number, accessed_endpoints) values ($1, 0, '{}')
on conflict do nothing`,
}
const SAVE = {
  name: 'save',
  text: 'update analytics set request_number = $2, accessed_endpoints = $3 where key = $1',
}

export default function install(app, { databaseUrl }) {
  const pool = new pg.Pool({ connectionString: databaseUrl })
  app.use(async (ctx, next) => {
    await next()
    const key = ctx.state.apiKey?.id
    let { rows } = await pool.query({ ...FIND, values: [key] })
    if (rows.length === 0) {
      await pool.query({ ...MAKE, values: [key] })
      rows = [{ request_number: 0, accessed_endpoints: {} }]
    }
    const [{ request_number: requests, accessed_endpoints: endpoints }] = rows
    endpoints[ctx.path] = (endpoints[ctx.path] ?? 0) + 1
    await pool.query({ ...SAVE, values: [key, requests + 1, JSON.stringify(endpoints)] })
  })
}
