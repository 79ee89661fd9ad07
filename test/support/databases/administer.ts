import pg from 'pg'

/** Runs one statement outside of any transaction, on a connection of its own. */
export async function administer<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

const pools = new Map<string, pg.Pool>()

/**
 * The same on a connection that this process keeps, since tests make and drop hundreds of databases. It holds up
 * neither the end of this process nor that of the server.
 */
export async function administerOften(url: string, sql: string): Promise<void> {
  await (pools.get(url) ?? openPool(url)).query(sql)
}

function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 1, idleTimeoutMillis: 0, allowExitOnIdle: true })
  // the server has ended
  pool.on('error', () => {})
  pools.set(url, pool)
  return pool
}
