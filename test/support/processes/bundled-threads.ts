import { syncBuiltinESMExports } from 'node:module'
import { fileURLToPath } from 'node:url'
import { basename } from 'node:path'
import threads from 'node:worker_threads'
import { findBundle } from './find-program.ts'

/** Threads of the sources start from their bundle: some 300 modules take five times as long to load as one file. */
class BundledWorker extends threads.Worker {
  constructor(file: string | URL, options?: threads.WorkerOptions) {
    const bundle = file instanceof URL && findBundle(basename(fileURLToPath(file), '.ts'))
    super(bundle || file, options)
  }
}

// a process that runs several test files comes by here before each
if (threads.Worker.name !== BundledWorker.name) {
  threads.Worker = BundledWorker
  syncBuiltinESMExports()
}
