import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const VITEST = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')

/** How a run of the tests ended. */
export interface SuiteResult {
  readonly passed: number
  /** Failed tests, and 1 when vitest failed for another reason. */
  readonly failed: number
  /** The failed tests and their first line of error. */
  readonly failures: readonly string[]
  /** The file with all that vitest wrote. */
  readonly log: string
}

/** Runs the tests with the programs of these folders before all others, Node's first; `args` go to vitest. */
export async function runSuite(
  bins: readonly string[],
  args: readonly string[],
  folder: string,
): Promise<SuiteResult> {
  const own = mkdtempSync(join(folder, 'run-'))
  const [result, log] = [join(own, 'result.json'), join(own, 'log')]
  const output = openSync(log, 'w')
  const options = ['--config', 'test/vitest.config.ts', '--reporter=default', '--reporter=json']
  const vitest = spawn(
    join(bins[0]!, 'node'),
    [VITEST, 'run', ...options, `--outputFile.json=${result}`, ...args],
    { cwd: ROOT, env: environmentWith(bins), stdio: ['ignore', output, output] },
  )
  closeSync(output)
  const [code] = (await once(vitest, 'exit')) as [number | null]
  return { ...readResult(result, code), log }
}

/** Without TEST_DATABASE_URL the tests start the server whose programs come first. */
function environmentWith(bins: readonly string[]): NodeJS.ProcessEnv {
  const { TEST_DATABASE_URL: _, ...env } = process.env
  return { ...env, PATH: [...bins, env['PATH']].join(delimiter) }
}

interface VitestResult {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

function readResult(path: string, code: number | null): Omit<SuiteResult, 'log'> {
  let result: VitestResult
  try {
    result = JSON.parse(readFileSync(path, 'utf8')) as VitestResult
  } catch {
    return { passed: 0, failed: 1, failures: [`vitest ended with ${code} and no result`] }
  }
  const failures = result.testResults.flatMap(({ name, message, assertionResults }) => [
    ...(message ? [`${name}: ${firstLine(message)}`] : []),
    ...assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => `${fullName}: ${firstLine(failureMessages[0] ?? '')}`),
  ])
  const { numPassedTests: passed, numFailedTests } = result
  const failed = code === 0 && passed > 0 ? numFailedTests : Math.max(numFailedTests, 1)
  return { passed, failed, failures }
}

function firstLine(text: string): string {
  return text.split('\n')[0]!
}
