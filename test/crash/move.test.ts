import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FaultPoint } from '../../src/model/fault-point.ts'
import type { DatabaseState } from '../../src/store/database/require-active.ts'
import { forEachMove } from '../support/databases/for-each-move.ts'
import { MoveCampaign } from '../support/crash/move-campaign.ts'
import { randomInteger, seededRandom } from '../support/random.ts'
import { recover } from '../support/crash/recover.ts'

/** Moves back and forth in one test; set MOVE_ROUNDS and MOVE_SEED for a longer campaign, or the same one again. */
const ROUNDS = Number(process.env['MOVE_ROUNDS'] ?? 1)
const seed = Number(process.env['MOVE_SEED'] ?? Math.floor(Math.random() * 2 ** 32))

/** Every point that a move comes by, and the states in which a kill there leaves source and target. */
const POINTS: readonly (readonly [FaultPoint, DatabaseState, DatabaseState])[] = [
  ['target claimed', 'active', 'arriving'],
  ['source frozen', 'leaving', 'arriving'],
  ['target emptied', 'leaving', 'arriving'],
  ['page copied', 'leaving', 'arriving'],
  ['copy compared', 'leaving', 'arriving'],
  ['target activated', 'leaving', 'active'],
  ['source finished', 'moved', 'active'],
]

forEachMove(`moves beside an app that counts (seed ${seed})`, (way) => {
  let campaign: MoveCampaign
  const random = seededRandom(seed)
  beforeEach(async () => {
    campaign = await MoveCampaign.open(way, random)
  })
  afterEach(() => campaign.close())

  test('that are killed anywhere, as the app is, and cancelled, lose no request and count none twice', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const load = await campaign.startApp(campaign.source, randomInteger(random, 1, 200))
      const [point] = POINTS[randomInteger(random, 0, POINTS.length - 1)]!
      const moving = campaign.move({ moment: { point, occurrence: 1 } })
      if (random() < 0.5) await campaign.killApp()
      expect(await moving).toBe('SIGKILL')
      expect(await campaign.countActive()).toBeLessThanOrEqual(1)
      const [, target] = await campaign.readStates()
      if (target !== 'active' && random() < 0.3) {
        expect(await campaign.move({ cancel: true })).toBe(0)
        expect(await campaign.readStates()).toEqual(['active', 'arriving'])
      }
      expect(await campaign.move()).toBe(0)
      expect(await campaign.readStates()).toEqual(['moved', 'active'])
      expect(await campaign.countActive()).toBe(1)
      await load.stop()
      // it still has the old URL
      await campaign.stopApp()
      await recover(campaign.target, campaign.dataDir)
      expect(await campaign.findViolations(campaign.target)).toEqual([])
      ;[campaign.source, campaign.target] = [campaign.target, campaign.source]
    }
  })
})

forEachMove(
  `moves at each step (seed ${seed})`,
  (way) => {
    let campaign: MoveCampaign
    beforeEach(async () => {
      campaign = await MoveCampaign.open(way, seededRandom(seed))
    })
    afterEach(() => campaign.close())

    // the campaign above comes by all points in all ways
    const half = way.from === 'sqlite' ? 0 : 1
    test.each(POINTS.filter((_point, index) => index % 2 === half))(
      'killed at "%s" leave %s and %s, and the next run finishes',
      async (point, ...states) => {
        const load = await campaign.startApp(campaign.source, 50)
        expect(await campaign.move({ moment: { point, occurrence: 1 } })).toBe('SIGKILL')
        expect(await campaign.readStates()).toEqual(states)
        expect(await campaign.countActive()).toBe(states.filter((state) => state === 'active').length)
        // counting goes on whatever the databases do
        await load.answers(100)
        expect(await campaign.move()).toBe(0)
        expect(await campaign.readStates()).toEqual(['moved', 'active'])
        await load.stop()
        await campaign.stopApp()
        await (await campaign.startApp(campaign.target, 50)).stop()
        await campaign.stopApp()
        expect(await campaign.findViolations(campaign.target)).toEqual([])
      },
    )

    test.each<FaultPoint>([half === 0 ? 'target abandoned' : 'source released'])(
      'whose cancellation is killed at "%s" are cancelled by the next one, and the app goes on',
      async (point) => {
        const load = await campaign.startApp(campaign.source, 50)
        const copied = { point: 'page copied', occurrence: 1 } as const
        expect(await campaign.move({ moment: copied })).toBe('SIGKILL')
        expect(await campaign.move({ cancel: true, moment: { point, occurrence: 1 } })).toBe('SIGKILL')
        expect(await campaign.move({ cancel: true })).toBe(0)
        expect(await campaign.readStates()).toEqual(['active', 'arriving'])
        await load.stop()
        await campaign.stopApp()
        await recover(campaign.source, campaign.dataDir)
        expect(await campaign.findViolations(campaign.source)).toEqual([])
      },
    )
  },
  { toOther: true },
)
