import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import Report from '../../src/cli/commands/report.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCommand } from '../support/cli/run-command.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const acme = testKey(1, 'acme', { name: 'Acme' })
const late = testKey(2, 'late')
const NOW = new Date('2026-11-26T14:05:00Z')

/** One row a day at 10:00, from a day on: the requests of a day are its number in the month. */
const daily = (from: string, days: number) =>
  Array.from({ length: days }, (_, day) => {
    const bucket = new Date(Date.parse(`${from}T10:00Z`) + day * 86_400_000)
    return { key: acme, bucket: bucket.toISOString(), requests: bucket.getUTCDate() }
  })

forEachDatabase('a report of a period', (_kind, makeUrl) => {
  let url: string
  const report = async (...args: string[]) => {
    const found = await runCommand(Report, [...args, '--database', url, '--data-dir', EMPTY_DATA_DIR])
    return { ...found, stdout: Buffer.from(found.stdout, 'latin1').toString() }
  }
  const json = async (...args: string[]) => JSON.parse((await report(...args, '--json')).stdout)

  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW })
    url = await makeUrl()
    // 117 days, so that a list of days is longer than what is shown of it
    await storeUsage(url, [
      ...daily('2026-08-02', 117),
      { key: late, bucket: '2026-11-26T14:00Z', requests: 3 },
    ])
  })
  afterAll(() => void vi.useRealTimers())

  describe('that is not over', () => {
    test('says so in every format: table, JSON, CSV, Markdown', async () => {
      const note = 'November is not over: figures to 26 November 14:05.'
      const month = ['--month', '2026-11', '--billable', '2xx']
      expect((await report(...month)).stdout).toContain(`Note: ${note}`)
      expect((await report(...month, '--format', 'markdown')).stdout).toContain(`- ${note}`)
      const { code, stdout, stderr } = await report(...month, '--format', 'csv')
      expect({ code, stderr }).toEqual({ code: 0, stderr: `Note: ${note}\n` })
      const [names, first] = stdout.split('\r\n')
      expect(names).toMatch(/,timeZone,complete,figuresTo$/)
      expect(first).toMatch(/,UTC,false,2026-11-26T14:05:00\.000Z$/)
      const invoice = await json(...month)
      expect(invoice.period).toMatchObject({ complete: false, figuresTo: NOW.toISOString() })
      expect(invoice.notes).toEqual([note])
    })

    test('is final for a month that is over', async () => {
      const invoice = await json('--month', '2026-10', '--billable', '2xx')
      expect(invoice.period).toMatchObject({ complete: true, figuresTo: '2026-11-01T00:00:00.000Z' })
      expect(invoice.notes).toEqual(['2026-10 is open: "apikey-analytics close" bills it.'])
    })

    test('says so of its last month, week and day, and of the first when it is cut', async () => {
      expect((await json('--by', 'month', '--since', '2026-09-10')).notes).toEqual([
        'September is not whole: figures from 10 September 00:00.',
        'November is not over: figures to 26 November 14:05.',
      ])
      expect((await json('--by', 'week', '--since', '2026-11-02')).notes).toEqual([
        'The week from 23 November is not over: figures to 26 November 14:05.',
      ])
    })
  })

  describe('that is compared', () => {
    test('sets a month to date against the same days and hours of the month before, and prints both', async () => {
      // the sum of 1 to 26, which is in October as well
      const { stdout } = await report('--month', '2026-11', '--by', 'key', '--compare', 'previous')
      expect(stdout).toContain('2026-11-01 00:00 to 2026-12-01 00:00 (UTC)')
      expect(stdout).toContain('354 requests, +0.9% against 351 from 2026-10-01 00:00 to 2026-10-26 14:00\n')
      expect(stdout).toMatch(/^Acme \(acme\) +351 +99\.2% +0\.0% /m)
      expect(stdout).toMatch(/^late +3 +0\.8% +new /m)
      expect(stdout).toMatch(/^Total of 2 keys +354 +100\.0% +\+0\.9% /m)
      const { previous, total } = await json('--month', '2026-11', '--by', 'key', '--compare', 'previous')
      expect(previous).toEqual({
        since: '2026-10-01T00:00:00.000Z',
        until: '2026-10-26T14:00:00.000Z',
        text: '2026-10-01 00:00 to 2026-10-26 14:00 (UTC)',
        historyBegins: null,
      })
      expect(total).toMatchObject({ requests: 354, previousRequests: 351 })
      const csv = await report('--month', '2026-11', '--compare', 'previous', '--format', 'csv')
      expect(csv.stdout).toMatch(/,previousRequests,change,previousSince,previousUntil\r\n/)
      expect(csv.stdout).toMatch(/,351,0,2026-10-01T00:00:00\.000Z,2026-10-26T14:00:00\.000Z\r\n/)
      const markdown = await report('--month', '2026-11', '--compare', 'previous', '--format', 'markdown')
      expect(markdown.stdout).toContain('against 351 from 2026-10-01 00:00 to 2026-10-26 14:00')
    })

    test('says when history begins, instead of a change, where the period before is not all in the database', async () => {
      const { stdout } = await report('--month', '2026-08')
      expect(stdout).toContain('495 requests (history begins on 2 August 2026)')
      const partly = await report(
        '--since',
        '2026-08-20',
        '--until',
        '2026-09-20',
        '--by',
        'key',
        '--compare',
        'previous',
      )
      expect(partly.stdout).toContain(
        'Note: No comparison with 2026-07-20 00:00 to 2026-08-20 00:00 (UTC): history begins on 2 August 2026.',
      )
      expect(partly.stdout).not.toMatch(/Change|new|%.*against/)
      const { total, sections, previous } = await json(
        '--since',
        '2026-08-20',
        '--until',
        '2026-09-20',
        '--by',
        'key',
        '--compare',
        'previous',
      )
      expect(previous.historyBegins).toBe('2026-08-02T10:00:00.000Z')
      expect(total).toMatchObject({ previousRequests: 189, change: null })
      expect(sections[0].groups[0]).toMatchObject({ previousRequests: 189, change: null })
      expect((await json('--month', '2026-07')).previous.historyBegins).toBe('2026-08-02T10:00:00.000Z')
    })

    test('takes a quiet first night for no missing history', async () => {
      expect((await json('--month', '2026-09')).previous.historyBegins).toBe('2026-08-02T10:00:00.000Z')
      const { previous } = await json(
        '--since',
        '2026-09-01',
        '--until',
        '2026-09-30',
        '--by',
        'key',
        '--compare',
        'previous',
      )
      expect(previous).toMatchObject({ since: '2026-08-03T00:00:00.000Z', historyBegins: null })
    })

    test('compares a key on an endpoint, which is shown by day without a comparison', async () => {
      const both = ['--key', 'Acme', '--endpoint', 'GET /users/:id', '--month', '2026-11']
      expect((await json(...both)).sections[0].by).toEqual(['day'])
      const compared = await json(...both, '--compare', 'previous')
      expect(compared.sections[0]).toMatchObject({
        by: ['method', 'endpoint'],
        groups: [{ requests: 351, previousRequests: 351, change: 0 }],
      })
    })

    test.each([
      [['--by', 'month'], 'Each month is a period of its own'],
      [['--by', 'key,day', '--format', 'csv'], 'Each day is a period of its own'],
      [['--by', 'owner,status'], 'A table of two dimensions has one number per cell.'],
      [['--billable', '2xx', '--month', '2026-10'], 'Invoice lines are compared with nothing'],
      [['--until', '2026-11-01'], '--compare needs a period with a start'],
      [['--month', '2026-12'], '--compare needs a period that has begun.'],
    ])('refuses what it would leave out: %j', async (args, message) => {
      const { code, stdout, stderr } = await report(...args, '--compare', 'previous')
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(message)
    })
  })

  describe('by time', () => {
    const daysOf = (stdout: string) => stdout.match(/^2026-\d\d-\d\d(?= )/gm) ?? []

    test('shows all 90 days, up to the newest', async () => {
      const { stdout } = await report('--by', 'day', '--since', '90d')
      expect(daysOf(stdout)).toHaveLength(90)
      expect(daysOf(stdout).at(-1)).toBe('2026-11-26')
      expect(stdout).not.toContain('--limit')
    })

    test('shows the newest when there are too many, oldest first, and says what is hidden', async () => {
      const { stdout } = await report('--by', 'day', '--since', '2026-08-01')
      expect(daysOf(stdout)).toHaveLength(100)
      expect([daysOf(stdout)[0], daysOf(stdout).at(-1)]).toEqual(['2026-08-19', '2026-11-26'])
      expect(stdout).toContain('17 other days with 170 requests: use --limit 0 to see all.')
      expect(
        daysOf((await report('--by', 'day', '--since', '2026-08-01', '--limit', '0')).stdout),
      ).toHaveLength(117)
    })

    test('keeps the newest with --limit in every format, and the largest with --sort requests', async () => {
      const days = (report: { sections: { groups: { day: string }[] }[] }) =>
        report.sections[0]!.groups.map(({ day }) => day.slice(0, 10))
      const args = ['--by', 'day', '--since', '2026-11-01', '--limit', '2']
      expect(days(await json(...args))).toEqual(['2026-11-25', '2026-11-26'])
      expect(days(await json(...args, '--sort', 'requests'))).toEqual(['2026-11-26', '2026-11-25'])
      expect(days(await json(...args, '--sort', 'last-used'))).toEqual(['2026-11-26', '2026-11-25'])
      expect((await report(...args, '--format', 'csv')).stdout).toMatch(
        /\r\n2026-11-25.*\r\n2026-11-26.*\r\n$/,
      )
      const matrix = await report('--by', 'day,key', '--since', '2026-11-01', '--limit', '2')
      expect(matrix.stdout).toMatch(/^2026-11-25 .*\n2026-11-26 /m)
      expect(matrix.stdout).not.toContain('2026-11-24')
    })
  })
})
