/**
 * Several apps in one process: two bare ones, and one for each candidate that its argument lists. Tells their ports,
 * and what each turn of requests took of the event loop; ends when its parent does.
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type Koa from 'koa'
import { makeSampleApp, type Hooks } from './sample-app.ts'

/** A candidate's module below `candidates/`, and what it is installed with. */
export interface Installed {
  readonly module: string
  readonly options: Readonly<Record<string, unknown>>
}

/** What the parent reads. */
export interface OneProcessMessage {
  /** Of the bare app, of another one, and of the candidates in their order. */
  readonly ports: readonly number[]
  /** Of each app, one number per turn since they were last asked for: microseconds of CPU per request. */
  readonly turns: readonly (readonly number[])[]
}

type Install = (app: Koa, options: Installed['options']) => Promise<Hooks | void> | Hooks | void

const candidates = JSON.parse(process.argv[2]!) as Installed[]
const apps = [await makeSampleApp(() => {}), await makeSampleApp(() => {})]
for (const { module, options } of candidates) {
  const install = (await import(`./candidates/${module}.js`)).default as Install
  apps.push(await makeSampleApp((app) => install(app, options)))
}
const turns: number[][] = apps.map(() => [])
const ports: number[] = []
let current = 0
let requests = 0
let before = process.threadCpuUsage()

for (const [index, app] of apps.entries()) {
  const server = app.listen(0, '127.0.0.1')
  // on a busy machine a connection may wait long for its turn
  server.keepAliveTimeout = 0
  await once(server, 'listening')
  ports.push((server.address() as AddressInfo).port)
  server.prependListener('request', () => {
    if (index !== current) endTurn(index)
    requests += 1
  })
}

process.on('message', () => {
  endTurn(current)
  process.send!({ ports, turns } satisfies OneProcessMessage)
  for (const taken of turns) taken.length = 0
})
process.on('disconnect', () => process.exit())
process.send!({ port: ports[0] })

function endTurn(next: number): void {
  const { user, system } = process.threadCpuUsage(before)
  if (requests > 0) turns[current]!.push((user + system) / requests)
  current = next
  requests = 0
  before = process.threadCpuUsage()
}
