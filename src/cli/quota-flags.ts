import { Args, Flags } from '@oclif/core'
import { QUOTA_PERIODS } from '../model/quota.ts'

/** The argument of the commands that name one quota. */
export const quotaArgs = {
  key: Args.string({
    description: 'Name, label, id or a unique start of it; - reads the secret from standard input.',
  }),
}

/** The flags of the commands that name one quota. */
export const quotaFlags = {
  owner: Flags.string({
    summary: 'All keys of a customer together, instead of one key.',
    helpValue: 'OWNER',
  }),
  unit: Flags.string({
    summary: 'requests, or a unit of the app such as tokens.',
    helpValue: 'UNIT',
    default: 'requests',
  }),
  per: Flags.option({ options: QUOTA_PERIODS })({
    summary: 'When it begins again; weeks begin on Monday.',
    default: 'month' as const,
  }),
}
