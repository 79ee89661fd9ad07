#!/usr/bin/env sh
':' //; exec node -- "$0" "$@"
// Two languages: sh runs the line above, to Node it is a text and a comment. Without the -- Node would take --env-file
// for its own wherever it stands, and end with 9 when there is no such file (nodejs/node#54232; env -S is not in BusyBox).
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
