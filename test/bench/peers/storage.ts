import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { makeDatabase } from '../../support/databases/databases.ts'
import { runCli } from '../../support/cli/run-cli.ts'
import { STORED_SUM, type Candidate } from './candidates.ts'
import type { StartedProcess } from './start-process.ts'

/** What runs next to the apps. */
export interface Services {
  readonly collector: StartedProcess
  /** URL of a PostgreSQL server; undefined when no candidate needs one. */
  readonly postgresql: string | undefined
}

/** Where one candidate keeps what it counts. */
export interface Storage {
  /** For its `install`. */
  readonly options: Readonly<Record<string, unknown>>
  onStart(port: number): void
  /** Requests that the product can show after its process was killed; after its recovery where it has one. */
  countStored(): Promise<number>
  remove(): Promise<void>
}

export async function prepareStorage(candidate: Candidate, services: Services): Promise<Storage> {
  const { collector, postgresql } = services
  const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-bench-'))
  const database =
    candidate.database && (await makeDatabase('postgresql', { ...(postgresql && { server: postgresql }) }))
  if (database && candidate.tables) await query(database.url, candidate.tables)
  return {
    options: { dataDir, collectorUrl: `http://127.0.0.1:${collector.port}`, databaseUrl: database?.url },
    onStart(port) {
      if (candidate.keeps === 'scrape') collector.tell({ scrape: `http://127.0.0.1:${port}/metrics` })
    },
    async countStored() {
      if (candidate.keeps === 'nothing') return 0
      if (candidate.keeps === 'data folder') return recoverAndVerify(dataDir, database?.url)
      if (candidate.keeps === 'table')
        return Number(await query(database!.url, STORED_SUM[candidate.module]!))
      return (await collector.ask<{ known: number }>({})).known
    },
    async remove() {
      rmSync(dataDir, { recursive: true })
      await database?.remove()
    },
  }
}

/** As a user would after the process died: deliver what is in its counter files, and have the accounts proven. */
async function recoverAndVerify(dataDir: string, database: string | undefined): Promise<number> {
  const place = ['--data-dir', dataDir, ...(database ? ['--database', database] : []), '--json']
  const flushed = await runCli(['flush', ...place])
  if (flushed.code !== 0) throw new Error(`apikey-analytics flush failed: ${flushed.stdout}${flushed.stderr}`)
  const verified = await runCli(['verify', ...place])
  if (verified.code !== 0)
    throw new Error(`apikey-analytics verify failed: ${verified.stdout}${verified.stderr}`)
  return (JSON.parse(verified.stdout) as { storedRequests: number }).storedRequests
}

async function query(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<{ stored: unknown }>(sql)).rows[0]?.stored
  } finally {
    await client.end()
  }
}
