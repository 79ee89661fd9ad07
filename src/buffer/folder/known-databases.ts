import { hash, randomUUID } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileOfTarget, targetOf } from '../../options/database-target.ts'
import { makePrivateDir } from './data-dir.ts'

/** Notes which database each name led to, one file for each name, so that processes need not wait for each other. */
const databasesDir = (dataDir: string): string => join(dataDir, 'databases')

const fileFor = (target: string, dataDir: string): string =>
  join(databasesDir(dataDir), `${hash('sha256', target).slice(0, 32)}.json`)

/** The id of the database that a server's name led to, for the processes of this data folder. */
export function findKnownDatabase(target: string, dataDir: string): string | undefined {
  try {
    const { id } = JSON.parse(readFileSync(fileFor(target, dataDir), 'utf8')) as { id?: unknown }
    return typeof id === 'string' ? id : undefined
  } catch {
    // never noted, or not readable: then nobody can say so
    return undefined
  }
}

/**
 * Notes that a name leads to a database. After the database has moved, it recognises the counter files of this folder
 * that name where it was. The same name may lead to another database elsewhere: `localhost`, or `db` in a container.
 */
export function rememberDatabase(
  { databaseLabel, databaseId }: { readonly databaseLabel: string; readonly databaseId: string },
  dataDir: string,
): void {
  const target = targetOf(databaseLabel, dataDir)
  // a file is asked for its id itself
  if (fileOfTarget(target, dataDir) !== undefined || findKnownDatabase(target, dataDir) === databaseId) return
  try {
    makePrivateDir(dataDir, databasesDir(dataDir))
    const path = fileFor(target, dataDir)
    const unfinished = `${path}.${randomUUID()}`
    writeFileSync(unfinished, JSON.stringify({ database: target, id: databaseId }), { mode: 0o600 })
    renameSync(unfinished, path)
  } catch {
    // The folder cannot be written. Its counts are in memory then, and no later process has to recognise them.
  }
}
