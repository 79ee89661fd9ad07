import { administer } from './administer.ts'

/** A coordinator and its workers, each by the URL of the same database. */
interface Node {
  readonly url: string
  readonly isCoordinator: boolean
}

/** Makes an empty database on every server of a Citus cluster, and joins them as `server`, its coordinator, has it. */
export async function createCitusDatabase(server: string, name: string): Promise<void> {
  const nodes = await findNodes(server)
  const create = async ({ url }: Node) => {
    await administer(url, `create database ${name}`)
    await administer(inDatabase(url, name), 'create extension citus')
  }
  await Promise.all(nodes.map(create))
  for (const { url, isCoordinator } of nodes) {
    const { hostname, port } = new URL(url)
    const join = isCoordinator ? 'citus_set_coordinator_host' : 'citus_add_node'
    await administer(inDatabase(server, name), `select ${join}('${hostname}', ${port})`)
  }
}

/** Drops it on every server, whoever is connected. */
export async function dropCitusDatabase(server: string, name: string): Promise<void> {
  for (const { url } of await findNodes(server)) {
    await administer(url, `drop database if exists ${name} with (force)`)
  }
}

/** The coordinator first. */
async function findNodes(server: string): Promise<Node[]> {
  const rows = await administer<{ host: string; port: number; coordinator: boolean }>(
    server,
    `select nodename as host, nodeport as port, groupid = 0 as coordinator from pg_dist_node
where isactive and (groupid = 0 or shouldhaveshards) order by groupid`,
  )
  return rows.map(({ host, port, coordinator }) => {
    const url = new URL(server)
    url.host = `${host}:${port}`
    return { url: url.href, isCoordinator: coordinator }
  })
}

function inDatabase(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}
