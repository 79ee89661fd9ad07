import { AnalyticsError } from '../../model/errors.ts'
import { isUuid } from '../../model/uuid.ts'

/** The id of a key as it is stored. @throws ARGUMENT_INVALID for a text that is no id; without it, as it may be a secret */
export function requireKeyId(id: string): string {
  if (isUuid(id)) return id.toLowerCase()
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    'The text given as the id of a key is none. findKeys() finds ids by name, label or a part of them.',
  )
}
