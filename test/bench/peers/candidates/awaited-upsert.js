/** What one would write first: one statement for each request, waited for. */
import pg from 'pg'

const ADD = {
  name: 'add',
  text: `insert into usage as u (key, hour, method, endpoint, status, request_count)
values ($1, date_trunc('hour', now()), $2, $3, $4, 1)
on conflict (key, hour, method, endpoint, status) do update set request_count = u.request_count + 1`,
}

export default function install(app, { databaseUrl }) {
  const pool = new pg.Pool({ connectionString: databaseUrl })
  app.use(async (ctx, next) => {
    await next()
    await pool.query({ ...ADD, values: [ctx.state.apiKey?.id, ctx.method, ctx._matchedRoute, ctx.status] })
  })
}
