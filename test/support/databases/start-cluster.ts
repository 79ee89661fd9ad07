import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { chown } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { findFreePort } from '../find-free-port.ts'
import { findPostgres } from './find-postgres.ts'
import { PATIENCE_MS } from '../patience.ts'

/** How a server is stopped: as an administrator would, as a crash of its programs, or as a lost machine. */
export type StopMode = 'fast' | 'immediate' | 'kill'

const SIGNALS: Record<StopMode, NodeJS.Signals> = { fast: 'SIGINT', immediate: 'SIGQUIT', kill: 'SIGKILL' }

/** A PostgreSQL server of one's own on loopback, which a test may stop, kill and start again. */
export interface Cluster {
  /** Superuser, password included, database `postgres`; the same after a restart. */
  readonly url: string
  readonly port: number
  stop(mode?: StopMode): Promise<void>
  start(): Promise<void>
  /** Stops it and deletes all that it had. */
  remove(): Promise<void>
}

/** Unlike any word of the code, so that a test can look for it in what a program wrote. */
export const CLUSTER_PASSWORD = 'tr0ub4dor-of-the-tests'

/** Tests need no power-loss safety. What was committed survives a crash of the server all the same. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '64MB',
  fsync: 'off',
  full_page_writes: 'off',
  max_wal_size: '256MB',
  log_min_messages: 'warning',
}

const SHARED_MEMORY = '/dev/shm'
/** Bytes: several times of what the tests need. */
const LEAST_MEMORY = 4 * 2 ** 30

/** The folder of the certificates that `tls` uses. */
export const TLS_FOLDER = join(import.meta.dirname, 'tls')

/**
 * Makes a cluster in a new folder, and starts it. With `tls` it offers TLS
 * with the certificate for `localhost`, and lets the user `client` in only with a certificate.
 */
export async function startCluster(
  options: { findPrograms?: typeof findPostgres; tls?: boolean } = {},
): Promise<Cluster> {
  const folder = mkdtempSync(join(findFastFolder(), 'apikey-analytics-postgres-'))
  chmodSync(folder, 0o755)
  const programs = await (options.findPrograms ?? findPostgres)(join(folder, 'programs'))
  const user = findServerUser()
  const data = join(folder, 'data')
  await initialise(programs, folder, data, user)
  if (options.tls) await offerTls(data, user)
  const port = await findFreePort()
  const url = `postgres://postgres:${CLUSTER_PASSWORD}@127.0.0.1:${port}/postgres`
  let server: ChildProcess | undefined

  const stop = async (mode: StopMode = 'fast') => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.ref()
    server.kill(SIGNALS[mode])
    await exited
  }
  const start = async () => {
    const deadline = Date.now() + PATIENCE_MS
    for (;;) {
      server = spawnServer(programs, folder, data, port, user)
      if (await isReady(server, options.tls ? `${url}?sslmode=no-verify` : url, deadline)) return
      // after a kill the old server's processes hold its memory for a moment, and a new one refuses to start
      if (Date.now() > deadline) throw new Error(`PostgreSQL did not start: ${readLog(folder)}`)
      await sleep(100)
    }
  }
  const cleanUp = cleanUpAfterDeath(folder)
  const remove = async () => {
    await stop('immediate')
    await cleanUp()
  }
  await start()
  return { url, port, stop, start, remove }
}

/** Memory where there is plenty: a new database has 300 files, and to make them there takes a fifth of the time. */
function findFastFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(SHARED_MEMORY)
    if (bavail * bsize >= LEAST_MEMORY) return SHARED_MEMORY
  } catch {
    // Linux has it
  }
  return tmpdir()
}

/** A server outlives a test runner that is killed; this process sees the end of its input then. */
function cleanUpAfterDeath(folder: string): () => Promise<void> {
  const script = 'cat; kill -QUIT $(head -n 1 data/postmaster.pid); until rm -rf "$PWD"; do sleep 0.1; done'
  const guard = spawn('sh', ['-c', script], {
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.unref()
  ;(guard.stdin as Socket).unref()
  return async () => {
    const exited = once(guard, 'exit')
    guard.ref()
    guard.stdin.end()
    await exited
  }
}

type ServerUser = { readonly uid: number; readonly gid: number } | undefined

/** PostgreSQL refuses to run as root: then it runs as another user that exists. */
function findServerUser(): ServerUser {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const entry = readFileSync('/etc/passwd', 'utf8').match(new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm'))
    if (entry) return { uid: Number(entry[1]), gid: Number(entry[2]) }
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and there is no user "postgres" or "nobody" to run it as.',
  )
}

async function initialise(programs: string, folder: string, data: string, user: ServerUser): Promise<void> {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, hashOnce(CLUSTER_PASSWORD))
  mkdirSync(data, { mode: 0o700 })
  if (user) await chown(data, user.uid, user.gid)
  const method = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  const locale = ['--encoding=UTF8', '--locale=C', '--no-sync']
  execFileSync(join(programs, 'initdb'), [`--pgdata=${data}`, ...method, ...locale], {
    ...user,
    cwd: folder,
    env: serverEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

/** What the server stores of a password (RFC 5803), hashed once instead of 4096 times: tests connect some 10,000 times. */
function hashOnce(password: string): string {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, 1, 32, 'sha256')
  const keyOf = (name: string) => createHmac('sha256', salted).update(name).digest()
  const storedKey = createHash('sha256').update(keyOf('Client Key')).digest('base64')
  return `SCRAM-SHA-256$1:${salt.toString('base64')}$${storedKey}:${keyOf('Server Key').toString('base64')}`
}

async function offerTls(data: string, user: ServerUser): Promise<void> {
  for (const name of ['authority.crt', 'server.crt', 'server.key']) {
    copyFileSync(join(TLS_FOLDER, name), join(data, name))
    chmodSync(join(data, name), 0o600)
    if (user) await chown(join(data, name), user.uid, user.gid)
  }
  const settings = { ssl: 'on', ssl_ca_file: 'authority.crt' }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`)
  writeFileSync(join(data, 'postgresql.conf'), lines.join(''), { flag: 'a' })
  const access = join(data, 'pg_hba.conf')
  writeFileSync(access, `hostssl all client all cert\nhostssl all all all scram-sha-256\n`)
}

function spawnServer(
  programs: string,
  folder: string,
  data: string,
  port: number,
  user: ServerUser,
): ChildProcess {
  const settings = Object.entries({ ...SETTINGS, port }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  const log = openSync(join(folder, 'log'), 'a')
  const server = spawn(join(programs, 'postgres'), ['-D', data, ...settings], {
    ...user,
    cwd: folder,
    env: serverEnvironment(),
    stdio: ['ignore', log, log],
    // Ctrl-C in the terminal reaches the test runner, which stops the server when its tests are over
    detached: true,
  })
  closeSync(log)
  server.unref()
  return server
}

/** PGDATA, PGPORT and the like of the machine are not meant for this server. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PG'))
  return { ...Object.fromEntries(kept), LC_ALL: 'C' }
}

/** True once it answers, false when it has ended instead. */
async function isReady(server: ChildProcess, url: string, deadline: number): Promise<boolean> {
  while (server.exitCode === null && server.signalCode === null && Date.now() < deadline) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
    // a broken connection is told by the query as well
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('select 1')
      return true
    } catch {
      await sleep(50)
    } finally {
      await client.end().catch(() => {})
    }
  }
  return false
}

function readLog(folder: string): string {
  return readFileSync(join(folder, 'log'), 'utf8').slice(-2000)
}
