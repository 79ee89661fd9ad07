/** Connects and then does nothing more: must end by itself. */
import { openStore } from '../../../../src/store/open-store.ts'

const store = openStore({ url: process.argv[2]!, pepperCheck: '' })
process.stdout.write((await store.connect()).databaseId)
