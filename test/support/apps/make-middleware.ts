import { createIdentifyKey } from '../../../src/capture/key/identify-key.ts'
import { createReadKey } from '../../../src/capture/key/read-key.ts'
import { createMiddleware, type CaptureParts } from '../../../src/capture/middleware.ts'

/** The middleware with readers of keys of its own. */
export function makeMiddleware(parts: Omit<CaptureParts, 'identifyKey' | 'findVouched'>) {
  const { options, knownKeys, report } = parts
  const readKey = createReadKey(options, report)
  return createMiddleware({ ...parts, ...createIdentifyKey(options, readKey, knownKeys, report) })
}
