import { execFileSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE_MS } from '../patience.ts'

/**
 * Stops a process, and waits until all its threads stand still: the signal wakes its main thread to stop the others, and
 * on a busy machine the thread of a store may finish its work before that. `SIGCONT` lets it go on.
 */
export async function stopProcess(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP')
  const deadline = Date.now() + PATIENCE_MS
  while (readStates(child.pid!).some((state) => state !== 'T')) {
    if (Date.now() > deadline) throw new Error(`Process ${child.pid} does not stop.`)
    await sleep(5)
  }
}

/** A letter for each thread; on macOS one for the process. */
function readStates(pid: number): string[] {
  const tasks = `/proc/${pid}/task`
  if (!existsSync(tasks)) {
    return [
      execFileSync('ps', ['-o', 'state=', '-p', `${pid}`], { encoding: 'utf8' })
        .trim()
        .slice(0, 1),
    ]
  }
  // the name before the state is in parentheses and may hold anything
  return readdirSync(tasks).map((task) =>
    readFileSync(`${tasks}/${task}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .slice(0, 1),
  )
}
