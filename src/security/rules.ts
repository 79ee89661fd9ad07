import type { FindingKind, Rule } from './finding.ts'
import { dormantKey } from './rules/dormant-key.ts'
import { errorJump } from './rules/error-jump.ts'
import { newEndpoint } from './rules/new-endpoint.ts'
import { newKeyVolume } from './rules/new-key-volume.ts'
import { refusedKey } from './rules/refused-key.ts'
import { rejectedBurst } from './rules/rejected-burst.ts'
import { scanning } from './rules/scanning.ts'
import { unusualQuantity } from './rules/unusual-quantity.ts'
import { unusualRate } from './rules/unusual-rate.ts'

/** Every rule by the kind of its findings. */
export const RULES: Readonly<Record<FindingKind, Rule>> = {
  'rejected-burst': rejectedBurst,
  'refused-key': refusedKey,
  'unusual-rate': unusualRate,
  'unusual-quantity': unusualQuantity,
  'error-jump': errorJump,
  scanning,
  'new-endpoint': newEndpoint,
  'dormant-key': dormantKey,
  'new-key-volume': newKeyVolume,
}
