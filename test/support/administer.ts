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

let shared: { readonly url: string; readonly client: Promise<pg.Client> } | undefined

/**
 * The same on a connection that this process keeps, since tests make and drop some thousand databases. It holds up
 * neither the end of the process nor that of the server.
 */
export async function administerOften(url: string, sql: string): Promise<void> {
  if (shared?.url !== url) {
    await shared?.client.then((client) => client.end())
    shared = { url, client: keepConnection(url) }
  }
  const client = await shared.client
  client.ref()
  try {
    await client.query(sql)
  } finally {
    client.unref()
  }
}

async function keepConnection(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  const forget = () => (shared = undefined)
  client.on('error', forget)
  await client.connect().catch((error: unknown) => {
    forget()
    throw error
  })
  return client
}
