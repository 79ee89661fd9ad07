import { ProcessFolder } from '../../../src/buffer/folder/process-folder.ts'

/** The folder of a process with hours as buckets, no units and mapped files. */
export function makeProcessFolder(dataDir: string, report: (error: Error) => void): ProcessFolder {
  return new ProcessFolder({ dataDir, bucketMinutes: 60, target: '', units: [], mapped: true, report })
}
