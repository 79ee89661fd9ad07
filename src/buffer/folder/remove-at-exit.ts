import type { ProcessFolder } from './process-folder.ts'

interface Entry {
  readonly folder: ProcessFolder
  readonly isDelivered: () => boolean
}

const entries: Entry[] = []

/** Removes a process's folder when the process ends by itself and everything counted is delivered. */
export function removeAtExit(folder: ProcessFolder, isDelivered: () => boolean): void {
  // One listener for all: every further one would count towards Node's warning about leaks.
  if (entries.length === 0) process.once('exit', removeDelivered)
  entries.push({ folder, isDelivered })
}

function removeDelivered(): void {
  for (const { folder, isDelivered } of entries) {
    try {
      if (isDelivered()) folder.remove()
    } catch {
      // The next start removes it.
    }
  }
}
