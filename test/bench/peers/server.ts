/**
 * One app in a process of its own, told by its arguments which candidate counts in it. Tells its port, and its CPU
 * time when it is asked; ends when its parent does.
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type Koa from 'koa'
import { makeSampleApp, type Hooks } from './sample-app.ts'

/** What the parent reads from a server. */
export type ServerMessage = { readonly port: number } | CpuTime

/** Microseconds since the start, user and system. */
export interface CpuTime {
  /** All threads. */
  readonly process: number
  /** The event loop alone. */
  readonly loop: number
}

type Install = (app: Koa, options: Record<string, unknown>) => Hooks | void | Promise<Hooks | void>

const [candidate = 'bare', options = '{}'] = process.argv.slice(2)
const install: Install =
  candidate === 'bare' ? () => {} : (await import(`./candidates/${candidate}.js`)).default
const app = await makeSampleApp((koa) => install(koa, JSON.parse(options)))
const server = app.listen(0, '127.0.0.1')
// on a busy machine a connection may wait long for its turn
server.keepAliveTimeout = 0
await once(server, 'listening')

process.on('message', () => {
  const sum = ({ user, system }: NodeJS.CpuUsage) => user + system
  tell({ process: sum(process.cpuUsage()), loop: sum(process.threadCpuUsage()) })
})
process.on('disconnect', () => process.exit())
tell({ port: (server.address() as AddressInfo).port })

function tell(message: ServerMessage): void {
  process.send!(message)
}
