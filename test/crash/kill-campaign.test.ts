import { describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../support/databases/databases.ts'
import { KillCampaign } from '../support/crash/kill-campaign.ts'
import type { Round } from '../support/crash/kill-campaign.ts'
import { seededRandom } from '../support/random.ts'

const ROUNDS = 4
const seed = Math.floor(Math.random() * 2 ** 32)

describe.each(DATABASE_KINDS)(`an app killed at random moments (%s, seed ${seed})`, (kind) => {
  test.each(['mapped', 'written'] as const)(
    'has every answered request in the database once, in mode %s',
    async (mode) => {
      const campaign = await KillCampaign.open({ kind, mode, random: seededRandom(seed) })
      const rounds: Round[] = []
      try {
        for (let round = 1; round <= ROUNDS; round++) rounds.push(await campaign.playRound())
      } finally {
        await campaign.close()
      }
      for (const { kill, violations, answered, stored, sent } of rounds) {
        expect(violations).toEqual([])
        expect(stored).toBeGreaterThanOrEqual(answered)
        expect(stored).toBeLessThanOrEqual(sent)
        if (kill === 'idle') expect([answered, stored]).toEqual([sent, sent])
        expect(answered).toBeGreaterThan(0)
      }
      // These only the counter files had.
      expect(Math.max(...rounds.map(({ rescued }) => rescued))).toBeGreaterThan(0)
    },
  )
})
