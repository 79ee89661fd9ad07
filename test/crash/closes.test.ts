import { expect, test } from 'vitest'
import { checkStored } from '../../src/billing/check/check-stored.ts'
import { closePeriod } from '../../src/billing/close/close-period.ts'
import { parseBillingPeriod } from '../../src/billing/billing-period.ts'
import { findStatements, openStatement } from '../../src/billing/statement/read-statement.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { CloseCampaign } from '../support/crash/close-campaign.ts'
import { labelOfDay, readNotedCounts, TOKENS_AT_ONCE, TOKENS_LATE } from '../support/crash/counted-days.ts'
import { DATABASE_KINDS } from '../support/databases/databases.ts'

/** How many days are closed on each database: `CLOSES=200` for a longer campaign, which prints its figures. */
const CLOSES = Number(process.env['CLOSES'] ?? 5)
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32))

/** What was billed by day, key, endpoint and unit, over all statements, and how many lines were corrections. */
async function readBilled(db: Database): Promise<{ billed: Map<string, number>; corrections: number }> {
  const billed = new Map<string, number>()
  let corrections = 0
  for (const { statement } of await findStatements(db)) {
    const { accounts } = await openStatement(db, statement.number)
    for await (const { label, lines } of accounts) {
      for (const { period, endpoint, unit, quantity } of lines) {
        // a day is closed by the statement of its number
        const name = `${labelOfDay(period - 1)} ${label} ${endpoint} ${unit}`
        billed.set(name, (billed.get(name) ?? 0) + Number(quantity))
        if (period !== statement.number) corrections += 1
      }
    }
  }
  return { billed, corrections }
}

test.each(DATABASE_KINDS)(
  `eight processes flush and are killed while days are closed by processes that are killed, interrupted and cut off: every count is billed once (%s, seed ${seed})`,
  async (kind) => {
    const campaign = await CloseCampaign.open(kind, seed)
    try {
      await campaign.play(CLOSES)
      const { db } = campaign
      const { noted, kills } = await campaign.settle()
      expect((await findStatements(db)).map(({ statement }) => statement.period.label)).toEqual(
        Array.from({ length: CLOSES }, (_, day) => labelOfDay(day)),
      )
      // the last day, and the late counts of all others
      const period = parseBillingPeriod({ day: labelOfDay(CLOSES) })
      await closePeriod(db, '/nowhere', { period, billable: ['2xx'] })
      expect(await checkStored(db)).toMatchObject({ intact: true, findings: [] })
      const account = await verifyUsage(db)
      expect(account).toMatchObject({ balanced: true, missingRequests: 0 })

      const truth = readNotedCounts(noted)
      const { billed, corrections } = await readBilled(db)
      expect([...billed.keys()].toSorted()).toEqual([...truth.billable.keys()].toSorted())
      // A process is killed between a count and its note at most once.
      const extra: Record<string, number> = { requests: 0, tokens: 0 }
      for (const [name, quantity] of truth.billable) {
        const more = billed.get(name)! - quantity
        expect({ name, more }).toEqual({ name, more: Math.max(0, more) })
        extra[name.slice(name.lastIndexOf(' ') + 1)]! += more
      }
      expect(extra['requests']).toBeLessThanOrEqual(kills)
      expect(extra['tokens']).toBeLessThanOrEqual(kills * (TOKENS_AT_ONCE + TOKENS_LATE))
      for (const { unit, ...sums } of account.billing!.units) {
        const total = [...billed].reduce(
          (sum, [name, quantity]) => sum + (name.endsWith(` ${unit}`) ? quantity : 0),
          0,
        )
        expect({ unit, ...sums }).toMatchObject({
          unit,
          billed: String(total),
          notBilledYet: '0',
        })
        expect(Number(sums.notBillable)).toBeGreaterThanOrEqual(truth.other.get(unit)!)
        expect(Number(sums.delivered)).toBe(Number(sums.billed) + Number(sums.notBillable))
      }
      expect(corrections).toBeGreaterThan(0)
      if (process.env['CLOSES']) {
        const figures = { kind, seed, ...campaign.seen, cuts: campaign.cuts, kills, corrections, extra }
        process.stdout.write(`${JSON.stringify({ ...figures, units: account.billing!.units })}\n`)
      }
    } finally {
      await campaign.end()
    }
  },
  CLOSES * 20_000 + 60_000,
)
