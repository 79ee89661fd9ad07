#!/usr/bin/env node
import module from 'node:module'

// Checked before anything else loads: better-sqlite3 ends an older Node with a segmentation fault.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `apikey-analytics needs Node 22.18 or newer; this is ${process.version}. Install a newer Node and try again.\n`,
  )
  process.exit(2)
}
module.enableCompileCache?.()
const { execute } = await import('@oclif/core')
await execute({ dir: import.meta.url })
