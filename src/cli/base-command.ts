import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { Command, Flags } from '@oclif/core'
import { locateDatabase } from '../options/database-location.ts'
import type { DatabaseLocation } from '../options/database-location.ts'
import { AnalyticsError } from '../model/errors.ts'
import { escapeTerminalLines } from '../terminal/escape-terminal.ts'
import { renderJson } from '../report/render/render-json.ts'
import type { SecretInput } from '../report/question/find-key.ts'
import type { Screen } from '../terminal/screen.ts'
import type { Database } from '../store/database/open-database.ts'
import { isBrokenPipe } from './broken-pipe.ts'
import { describeError } from './describe-error.ts'
import { findScreen } from './find-screen.ts'
import { suggestFlags } from './suggest-flags.ts'

/** The flags of every command, parsed. */
export interface BaseFlags {
  readonly database?: string | undefined
  readonly 'data-dir'?: string | undefined
  readonly 'env-file'?: string | undefined
  readonly 'no-color'?: boolean
}

/** The setting of a command: the database, the data folder, and the variables of the environment and of --env-file. */
export interface Location extends DatabaseLocation, SecretInput {
  readonly environment: Readonly<Record<string, string | undefined>>
}

const EXIT_CODES = /\n*Exit codes: 0 done, 1 (.*), 2 wrong usage\.$/

/** The end of a command's description. `one` explains when the exit code is 1. */
export function exitCodes(one = 'failed'): string {
  return `Exit codes: 0 done, 1 ${one}, 2 wrong usage.`
}

/** Separates a description from its exit codes. */
export function readExitCodes(description: string): {
  text: string
  codes: readonly (readonly [code: string, meaning: string])[]
} {
  const [end, one] = EXIT_CODES.exec(description) ?? []
  if (end === undefined || one === undefined) return { text: description, codes: [] }
  return {
    text: description.slice(0, -end.length),
    codes: [
      ['0', 'Done.'],
      ['1', `${one.charAt(0).toUpperCase()}${one.slice(1)}.`],
      ['2', 'Wrong usage.'],
    ],
  }
}

/** Common to all commands: finding the database, the form of output and errors, exit codes. */
export abstract class BaseCommand extends Command {
  static override readonly enableJsonFlag = true
  static override readonly baseFlags = {
    database: Flags.string({
      summary: 'URL of the database (DATABASE_URL; default: the SQLite file in the data folder).',
      helpValue: 'URL',
      helpGroup: 'GLOBAL',
    }),
    'data-dir': Flags.string({
      summary:
        'Folder with the counter files and usage.db (APIKEY_ANALYTICS_DIR; default: ./.apikey-analytics).',
      helpValue: 'DIR',
      helpGroup: 'GLOBAL',
    }),
    'env-file': Flags.string({
      summary: 'Read variables from this file; variables that are set already win.',
      helpValue: 'FILE',
      helpGroup: 'GLOBAL',
    }),
    'no-color': Flags.boolean({ summary: 'No colours (also: NO_COLOR).', helpGroup: 'GLOBAL' }),
  }

  /** Finds the database and the data folder of a command. */
  protected async locate(flags: BaseFlags): Promise<Location> {
    const environment = { ...(await readEnvFile(flags['env-file'])), ...process.env }
    return {
      ...locateDatabase({ database: flags.database, dataDir: flags['data-dir'] }, environment),
      environment,
      async readKeyId(db) {
        const { readKeyId } = await import('./read-key-id.ts')
        return readKeyId(db, environment.APIKEY_ANALYTICS_PEPPER || undefined)
      },
    }
  }

  /**
   * Runs with an open, migrated database and closes it. Never creates one.
   * @throws PEPPER_MISMATCH for a wrong pepper; WRONG_USAGE when a data folder was named that does not exist
   */
  protected async withDatabase<T>(
    flags: BaseFlags,
    run: (db: Database, location: Location) => Promise<T>,
  ): Promise<T> {
    const location = await this.locate(flags)
    await requireNamedDataDir(flags, location)
    const [{ openDatabase }, { requireSchema }] = await Promise.all([
      import('../store/database/open-database.ts'),
      import('../store/database/require-schema.ts'),
    ])
    const db = await openDatabase(location.database, { liftTimeout: true }).catch(async (error: unknown) => {
      if (!isMissingDefault(error, location)) throw error
      throw await (await import('./no-default-database.ts')).noDefaultDatabase(location, flags['env-file'])
    })
    try {
      await requireSchema(db)
      const pepper = location.environment.APIKEY_ANALYTICS_PEPPER
      if (pepper) await (await import('../store/read/require-pepper.ts')).requirePepper(db, pepper)
      return await run(db, location)
    } finally {
      await db.close()
    }
  }

  /** The chosen format; `--json` is one too. @throws WRONG_USAGE when two flags contradict each other */
  protected oneFormat<Format extends string>(
    format: Format,
    { setFromDefault = false }: { setFromDefault?: boolean } = {},
  ): Format | 'json' {
    if (!this.jsonEnabled() || format === 'json') return format
    if (setFromDefault) return 'json'
    throw new AnalyticsError('WRONG_USAGE', `Pass either --json or --format ${format}, not both.`)
  }

  /** The width of standard output, and whether it may have colours. */
  protected screen(flags: BaseFlags): Screen {
    return findScreen(flags)
  }

  /** Writes data; nothing with `--json`. */
  protected print(text: string): void {
    if (!this.jsonEnabled()) process.stdout.write(text)
  }

  /** Writes text from the database unchanged, but escaped on a terminal, so that it cannot control the terminal. */
  protected forOutput(text: string): string {
    return process.stdout.isTTY ? escapeTerminalLines(text) : text
  }

  /** Writes a message to standard error, because it is not data. */
  protected say(text: string): void {
    process.stderr.write(`${escapeTerminalLines(text)}\n`)
  }

  /** Sets exit code 1 although the command did its work: it found a difference. */
  protected differs(): void {
    process.exitCode = 1
  }

  /** Writes data for people and programs: one complete JSON text that is safe to print. */
  override logJson(json: unknown): void {
    process.stdout.write(renderJson(json))
  }

  protected override toErrorJson(error: unknown): unknown {
    const { code, message } = describeError(this.withSuggestion(error))
    return { error: { code, message } }
  }

  private withSuggestion(error: unknown): unknown {
    const { flags, baseFlags } = this.ctor
    return suggestFlags(error, Object.keys({ ...baseFlags, ...flags }))
  }

  protected override catch(error: Error): Promise<void> {
    if (isBrokenPipe(error)) {
      process.exitCode ??= 0
      return Promise.resolve()
    }
    const { message, exitCode } = describeError(this.withSuggestion(error))
    process.exitCode = exitCode
    if (this.jsonEnabled()) this.logJson(this.toErrorJson(error))
    else this.say(`Error: ${message}`)
    return Promise.resolve()
  }
}

async function requireNamedDataDir(flags: BaseFlags, { dataDir, environment }: Location): Promise<void> {
  const isGiven = flags['data-dir'] !== undefined
  if (!isGiven && !environment.APIKEY_ANALYTICS_DIR) return
  const { requireDataDir } = await import('./require-data-dir.ts')
  const setting = isGiven ? '--data-dir' : 'APIKEY_ANALYTICS_DIR'
  requireDataDir(dataDir, `Correct ${setting}, or leave it out on a machine where the app does not run.`)
}

function isMissingDefault(error: unknown, { database, dataDir }: Location): boolean {
  const missing = error instanceof AnalyticsError && error.code === 'DATABASE_NOT_FOUND'
  return missing && database === locateDatabase({ dataDir }, {}).database
}

async function readEnvFile(path: string | undefined): Promise<Record<string, string | undefined>> {
  if (path === undefined) return {}
  try {
    return parseEnv(await readFile(path, 'utf8'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new AnalyticsError('WRONG_USAGE', `Cannot read ${path} (${code}). Check --env-file.`, {
      cause: error,
    })
  }
}
