import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Pool } from 'pg'
import { AnalyticsError } from '../../../model/errors.ts'
import type { Statements } from '../dialect.ts'
import { translateError } from '../translate-error.ts'

/**
 * PostgreSQL accepts no NUL in a text. Counted names have none, and a search for a name with one finds nothing, as on
 * SQLite. So a batch whose file was edited by hand is not refused because of a NUL.
 */
function replaceNul(parameter: unknown): unknown {
  if (Array.isArray(parameter)) return parameter.some(hasNul) ? parameter.map(replaceNul) : parameter
  return hasNul(parameter) ? parameter.replaceAll('\0', '\ufffd') : parameter
}

function hasNul(parameter: unknown): parameter is string {
  return typeof parameter === 'string' && parameter.includes('\0')
}

/** COPY takes no parameters, so they are quoted with the driver's own functions. */
export function writeParameters(
  sql: string,
  params: readonly unknown[],
  { escapeLiteral }: { readonly escapeLiteral: (text: string) => string },
): string {
  return sql.replace(/\$(\d+)/g, (_, number) => {
    const value = replaceNul(params[Number(number) - 1])
    if (typeof value === 'string' || typeof value === 'number') return escapeLiteral(`${value}`)
    throw new AnalyticsError('INTERNAL', `Parameter $${number} of a copy is neither a text nor a number.`)
  })
}

/** Statements with a time limit: no answer within it counts as a lost connection. */
interface TimedStatements extends Statements {
  query<Row>(sql: string, params?: readonly unknown[], timeoutMs?: number): Promise<Row[]>
}

/** Statements on one connection, or each on any of a pool. */
export function runOn(client: Pick<Pool, 'query'>, databaseLabel: string): TimedStatements {
  return {
    query: async (text, params = [], timeoutMs?: number) => {
      try {
        const timed = timeoutMs !== undefined && { query_timeout: timeoutMs }
        // without values several statements may be sent at once, and each has a result
        const results = [await client.query({ text, values: params.map(replaceNul), ...timed })].flat()
        return results.at(-1)!.rows
      } catch (error) {
        throw translateError(error, databaseLabel)
      }
    },
  }
}

/**
 * The same statements. After a silence of ours that the server may not have endured, what it said meanwhile is read
 * first: a statement that is sent into an ended connection resets it, and the server's last words are lost.
 */
export function readAfterSilence(statements: TimedStatements, longestSilenceMs: number): TimedStatements {
  let answeredAt = performance.now()
  return {
    query: async (...statement) => {
      if (performance.now() - answeredAt > longestSilenceMs / 2) {
        // the first may still be in the turn that has just read
        await nextTurn()
        await nextTurn()
      }
      try {
        return await statements.query(...statement)
      } finally {
        answeredAt = performance.now()
      }
    },
  }
}
