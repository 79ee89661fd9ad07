import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { administer } from './administer.ts'
import { findFreePort } from '../find-free-port.ts'
import { PGBOUNCER } from '../find-installed.ts'
import { PATIENCE_MS } from '../patience.ts'

/** A pooler on loopback in front of one database. */
export interface PgBouncer {
  /** The database through the pooler, under the name `usage`. */
  readonly url: string
  stop(): Promise<void>
}

/** Starts PgBouncer in front of the database that `url` names; `settings` are lines of its configuration. */
export async function startPgBouncer(url: string, settings: readonly string[] = []): Promise<PgBouncer> {
  if (!PGBOUNCER) throw new Error('There is no pgbouncer on this machine.')
  const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-pgbouncer-'))
  chmodSync(folder, 0o755)
  const server = new URL(url)
  const port = await findFreePort()
  const log = join(folder, 'log')
  writeFileSync(log, '')
  chmodSync(log, 0o666)
  const users = join(folder, 'users')
  writeFileSync(users, '"anybody" ""\n')
  const target = [
    `host=${server.hostname} port=${server.port} dbname=${server.pathname.slice(1)}`,
    `user=${decodeURIComponent(server.username)} password=${decodeURIComponent(server.password)}`,
  ]
  const lines = [
    '[databases]',
    `usage = ${target.join(' ')}`,
    '[pgbouncer]',
    `listen_addr = 127.0.0.1`,
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = trust',
    `auth_file = ${users}`,
    `logfile = ${log}`,
    ...settings,
  ]
  const configuration = join(folder, 'pgbouncer.ini')
  writeFileSync(configuration, `${lines.join('\n')}\n`)
  // it refuses to run as root
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn(PGBOUNCER, ['-q', ...user, configuration], { stdio: 'ignore' })
  const pooled = `postgres://anybody@127.0.0.1:${port}/usage`
  await untilReady(pooled, log)
  return {
    url: pooled,
    async stop() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      rmSync(folder, { recursive: true })
    },
  }
}

async function untilReady(url: string, log: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    try {
      await administer(url, 'select 1')
      return
    } catch (error) {
      if (Date.now() > deadline)
        throw new Error(`PgBouncer does not serve: ${readFileSync(log, 'utf8')}`, { cause: error })
      await sleep(50)
    }
  }
}
