import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** The program that opens a link, by platform. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** Opens a link in the browser. Rejects when there is no program for it. */
export async function openBrowser(url: string): Promise<void> {
  const [program = 'xdg-open', ...args] = OPENERS[process.platform] ?? ['xdg-open']
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true })
  child.unref()
  await once(child, 'spawn')
}
