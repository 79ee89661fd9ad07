import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new place for a page that is opened once. Nobody else can read it: the folder has mode 0700. */
export async function makePageFile(): Promise<string> {
  return join(await mkdtemp(join(tmpdir(), 'apikey-analytics-report-')), 'report.html')
}
