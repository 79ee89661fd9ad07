import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'

/** Whether processes can be tied to a core here: `taskset` and two cores. */
export const canPin = availableParallelism() > 1 && hasTaskset()

/** A process of the benchmark: it ends when this one does, because it hears of that over its channel. */
export interface StartedProcess {
  readonly port: number
  /** Sends a message and waits for the next one that comes back. */
  ask<Answer>(message: object): Promise<Answer>
  tell(message: object): void
  kill(): Promise<void>
}

/** Ties this process and those that it starts to a core. */
export function pinTo(core: number, pid = process.pid): void {
  if (canPin) execFileSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' })
}

/** Starts a module of this folder, on a core or any; resolves once it has told its port. @throws Error when it ends before */
export async function startProcess(
  module: string,
  args: readonly string[],
  core: number | undefined,
  execArgv: readonly string[] = [],
): Promise<StartedProcess> {
  const path = new URL(module, import.meta.url).pathname
  const options = { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] as ('ignore' | 'inherit' | 'ipc')[] }
  const child =
    canPin && core !== undefined
      ? fork(path, args, {
          ...options,
          execPath: 'taskset',
          execArgv: ['-c', String(core), process.execPath, ...execArgv],
        })
      : fork(path, args, { ...options, execArgv: [...execArgv] })
  const { port } = await nextMessage<{ port: number }>(child)
  return {
    port,
    ask(message) {
      const answer = nextMessage(child)
      child.send(message)
      return answer as Promise<never>
    },
    tell: (message) => void child.send(message),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function nextMessage<Message>(child: ChildProcess): Promise<Message> {
  const over = new AbortController()
  const { signal } = over
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message as Message),
      once(child, 'exit', { signal }).then(([code]) => {
        throw new Error(`A process of the benchmark ended with ${code}.`)
      }),
    ])
  } finally {
    over.abort()
  }
}

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['-p', String(process.pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
