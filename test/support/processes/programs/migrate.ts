/** Migrates one database and prints what it applied. */
import { migrate } from '../../../../src/store/database/migrate.ts'

process.stdout.write(JSON.stringify(await migrate(process.argv[2]!)))
