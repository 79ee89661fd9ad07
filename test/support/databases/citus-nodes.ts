import { administer } from './administer.ts'

/** A coordinator and its workers, each by the URL of the same database. */
interface Node {
  readonly url: string
  readonly isCoordinator: boolean
}

/** Makes an empty database on every server of the Citus cluster that `server` coordinates, not joined yet. */
export async function createOnEveryNode(server: string, name: string): Promise<void> {
  await Promise.all((await findNodes(server)).map(({ url }) => administer(url, `create database ${name}`)))
}

/** Gives the databases of this name Citus, and joins them as those of `server` are. */
export async function joinNodes(server: string, name: string): Promise<void> {
  const nodes = await findNodes(server)
  await Promise.all(nodes.map(({ url }) => administer(inDatabase(url, name), 'create extension citus')))
  for (const { url, isCoordinator } of nodes) {
    const { hostname, port } = new URL(url)
    const join = isCoordinator ? 'citus_set_coordinator_host' : 'citus_add_node'
    await administer(inDatabase(server, name), `select ${join}('${hostname}', ${port})`)
  }
}

/** Drops it on every server, whoever is connected. */
export async function dropOnEveryNode(server: string, name: string): Promise<void> {
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
