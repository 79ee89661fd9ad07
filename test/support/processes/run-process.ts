import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { findProgram } from './find-program.ts'

/** A script of `support/processes/programs` in a process of its own; its standard error is the test's. */
export function startProcess(script: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [findProgram(script), ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
}

/** Runs a script of `support/processes/programs` to its end. */
export async function runProcess(
  script: string,
  ...args: string[]
): Promise<{ code: number | null; output: string }> {
  const child = startProcess(script, ...args)
  let output = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}
