/** Holds the write lock of an SQLite file, says so, and lets it go when told. */
import { once } from 'node:events'
import Database from 'better-sqlite3'

const file = new Database(process.argv[2])
file.exec('begin immediate')
process.stdout.write('locked')
await once(process.stdin, 'data')
file.exec('rollback')
file.close()
process.exit()
