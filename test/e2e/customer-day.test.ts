import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import readWorkbook from 'read-excel-file/node'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { findProgram } from '../support/processes/find-program.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { CUSTOMERS, playAutumn, TODAY } from '../support/usage/play-autumn.ts'
import type { Answer, Autumn } from '../support/usage/play-autumn.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { runProcess } from '../support/processes/run-process.ts'

const OCTOBER = ['--month', '2026-10']
const inMonth =
  (month: string) =>
  ({ day }: Answer) =>
    day.startsWith(month)
const isBillable = ({ status }: Answer) => status >= 200 && status < 300

/** How many answers there are of each kind: the figures that a report must have. */
function count(answers: readonly Answer[], kindOf: (answer: Answer) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const answer of answers) counts[kindOf(answer)] = (counts[kindOf(answer)] ?? 0) + 1
  return counts
}

/** An invoice line as the fields that make it one. */
const lineOf = ({ owner, key, method, path }: Answer) => `${owner} ${key} ${method} ${path}`

/** One database per run of the story; its tests are its chapters, in order. */
forEachDatabase('the day of a B2B team', (_kind, makeUrl) => {
  let database: string
  let folder: string
  let autumn: Autumn
  /** What the clients saw, with the owners as they are right; a correction changes them. */
  let answers: Answer[]

  const run = async (...args: string[]) => {
    const result = await runCli(args, {
      cwd: folder,
      env: { DATABASE_URL: database, APIKEY_ANALYTICS_DIR: join(folder, 'orders') },
    })
    expect({ args, code: result.code }).toEqual({ args, code: 0 })
    return result.stdout
  }
  const json = async (...args: string[]) => JSON.parse(await run(...args, '--json'))
  /** The groups of a report with one dimension, as figures by name. */
  const report = async (by: string, ...args: string[]) => {
    const { sections } = await json('report', '--by', by, '--limit', '0', ...args)
    return Object.fromEntries(
      sections[0].groups.map((group: Record<string, unknown>) => [group[by], group['requests']]),
    )
  }
  /** Lines of the invoice as CSV has them. */
  const invoice = async (...args: string[]) => {
    const csv = await run('report', '--billable', '2xx', '--format', 'csv', ...args)
    const [names = [], ...lines] = csv
      .trim()
      .split('\r\n')
      .map((line) => line.split(','))
    return toLines(lines.map((line) => Object.fromEntries(names.map((name, index) => [name, line[index]]))))
  }
  const toLines = (lines: readonly Record<string, unknown>[]) => {
    for (const line of lines) expect(String(line['complete'])).toBe('true')
    return Object.fromEntries(
      lines.map(({ keyOwner, keyLabel, method, endpoint, requests }) => [
        [keyOwner, keyLabel, method, endpoint].join(' '),
        Number(requests),
      ]),
    )
  }
  const figuresOf = (lines: Record<string, number>) => Object.values(lines).toSorted((a, b) => a - b)
  const sumOf = (lines: Record<string, number>) => Object.values(lines).reduce((sum, n) => sum + n, 0)

  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-09-01T08:00:00Z') })
    folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    database = await makeUrl()
    autumn = await playAutumn({ database, folder }, (day, accounts) => {
      // a key of Soylent goes to Vandelay, and the app knows it on the same day
      if (day === '2026-10-17') accounts.get('key_05')!.owner = 'Vandelay'
      // one of Wonka went to Acme on 8 October, and nobody told the app before November
      if (day === '2026-11-02') accounts.get('key_07')!.owner = 'Acme'
      if (day === '2026-11-08') {
        for (const account of accounts.values()) {
          if (account.owner === 'Initrode') account.owner = 'Initrode Group'
        }
        accounts.get('key_01')!.name = 'Globex web shop'
      }
    })
    answers = autumn.answers.map((answer) => ({ ...answer }))
  })
  afterAll(async () => {
    vi.useRealTimers()
    await autumn?.[Symbol.asyncDispose]()
  })

  test('two services have counted every answer of 40 keys, and nothing is lost', async () => {
    expect(autumn.errors).toEqual([])
    expect(Object.keys(count(answers, ({ key }) => key))).toHaveLength(40)
    const { accountedFor, storedRequests, instances } = await json('verify')
    expect({ accountedFor, storedRequests }).toEqual({ accountedFor: true, storedRequests: answers.length })
    expect(instances).toHaveLength(2)
  })

  test('the first report shows the last 30 days: customers, keys, endpoints', async () => {
    const recent = answers.filter(({ day }) => day >= '2026-10-28')
    const overview = await json('report')
    expect(overview).toMatchObject({ total: { requests: recent.length }, activeKeys: 40 })
    expect(overview.total.clientErrors).toBe(recent.filter(({ status }) => status === 404).length)
    const [customers, keys, endpoints] = overview.sections
    const ofOwners = count(recent, ({ owner }) => owner)
    expect(customers).toMatchObject({ by: ['owner'], groupCount: Object.keys(ofOwners).length })
    for (const { owner, requests } of customers.groups)
      expect([owner, requests]).toEqual([owner, ofOwners[owner]])
    expect(keys).toMatchObject({ by: ['key'], keyCount: 40 })
    const ofEndpoints = count(recent, ({ method, path }) => `${method} ${path}`)
    expect(endpoints.groupCount).toBe(Object.keys(ofEndpoints).length)
    for (const { method, endpoint, requests } of endpoints.groups) {
      expect([method, endpoint, requests]).toEqual([method, endpoint, ofEndpoints[`${method} ${endpoint}`]])
    }
    const shown = await run('report')
    expect(shown).toMatch(/^Usage overview · 2026-10-27 14:00 to now \(UTC\)\n/)
    expect(shown).toMatch(/\n40 keys · \d+ endpoints · /)
    expect(shown).toMatch(
      new RegExp(`Top customers\n.*\n.*\nGlobex +${ofOwners['Globex']!.toLocaleString('en-US')} `),
    )
  })

  test('the biggest customer is Globex, and it is set against the same part of October', async () => {
    const of = (month: string, from = '01', to = '31') =>
      count(
        answers.filter(({ day }) => day >= `${month}-${from}` && day <= `${month}-${to}`),
        ({ owner }) => owner,
      )
    const [november, october] = [of('2026-11'), of('2026-10', '01', '26')]
    const args = ['report', '--by', 'owner', '--month', '2026-11', '--compare', 'previous']
    const { sections, previous, period, notes } = await json(...args)
    const [biggest] = sections[0].groups
    expect(biggest).toMatchObject({ owner: 'Globex', requests: november['Globex'] })
    expect(biggest.previousRequests).toBe(october['Globex'])
    expect(biggest.change).toBeCloseTo(november['Globex']! / october['Globex']! - 1, 10)
    expect(biggest.change).toBeGreaterThan(0.5)
    for (const { owner, requests, previousRequests } of sections[0].groups) {
      expect({ owner, requests, previousRequests }).toEqual({
        owner,
        requests: november[owner],
        previousRequests: october[owner] ?? 0,
      })
    }
    expect(period).toMatchObject({ complete: false, figuresTo: TODAY.toISOString() })
    expect(previous).toMatchObject({ since: '2026-10-01T00:00:00.000Z', until: '2026-10-26T14:00:00.000Z' })
    expect(notes).toContain('November is not over: figures to 26 November 14:05.')
    const before = Object.values(october).reduce((sum, n) => sum + n, 0)
    expect(await run(...args)).toContain(
      ` against ${before.toLocaleString('en-US')} from 2026-10-01 00:00 to 2026-10-26 14:00`,
    )
  })

  test('every fourth key still calls v1', async () => {
    const november = answers.filter(inMonth('2026-11'))
    const expected = count(
      november.filter(({ path }) => path.startsWith('/v1/')),
      ({ key }) => key,
    )
    expect(Object.keys(expected)).toHaveLength(10)
    const args = ['report', '--endpoint', '/v1/*', '--month', '2026-11']
    const { sections } = await json(...args, '--limit', '0')
    const found = sections[0].groups.map(
      ({ key, requests }: { key: { label: string }; requests: number }) => [key.label, requests],
    )
    expect(Object.fromEntries(found)).toEqual(expected)
    expect(await run(...args)).toMatch(/^Who calls \/v1\/\* /)
  })

  test('October goes to finance: per customer as CSV, all of it as a workbook, method by method', async () => {
    const billed = count(answers.filter(inMonth('2026-10')).filter(isBillable), lineOf)
    const lines: Record<string, number> = {}
    for (const owner of CUSTOMERS) {
      const own = await invoice(...OCTOBER, '--owner', owner)
      expect(Object.keys(own).every((line) => line.startsWith(`${owner} `))).toBe(true)
      Object.assign(lines, own)
    }
    expect(lines).toEqual(billed)
    expect(Object.keys(lines)).toEqual(
      expect.arrayContaining(['Globex key_01 GET /v1/orders', 'Globex key_01 POST /v1/orders']),
    )
    const file = join(folder, 'october.xlsx')
    await run('report', ...OCTOBER, '--billable', '2xx', '--format', 'xlsx', '--out', file)
    const [sheet] = await readWorkbook(readFileSync(file))
    const [names = [], ...rows] = sheet!.data
    const workbook = rows.map((row) =>
      Object.fromEntries(names.map((name, index) => [String(name), row[index]])),
    )
    expect(toLines(workbook)).toEqual(billed)
  })

  test('a key that changed hands in mid-month is on two invoices, which add up to the key', async () => {
    const ofKey = answers.filter(({ key }) => key === 'key_05')
    const october = ofKey.filter(inMonth('2026-10'))
    expect(new Set(october.map(({ owner }) => owner))).toEqual(new Set(['Soylent', 'Vandelay']))
    const invoices = [
      await invoice(...OCTOBER, '--owner', 'Soylent', '--key', 'key_05'),
      await invoice(...OCTOBER, '--owner', 'Vandelay', '--key', 'key_05'),
    ]
    for (const one of invoices) expect(sumOf(one)).toBeGreaterThan(0)
    expect({ ...invoices[0], ...invoices[1] }).toEqual(count(october.filter(isBillable), lineOf))
    const whole = await json('report', ...OCTOBER, '--key', 'key_05', '--status', '2xx')
    expect(sumOf(invoices[0]!) + sumOf(invoices[1]!)).toBe(whole.total.requests)
    // the month before stays with the owner before
    const key = ['--key', 'key_05']
    expect(await report('owner', '--month', '2026-09', ...key)).toEqual({
      Soylent: ofKey.filter(inMonth('2026-09')).length,
    })
    expect(await report('owner', '--month', '2026-11', ...key)).toEqual({
      Vandelay: ofKey.filter(inMonth('2026-11')).length,
    })
  })

  test('a transfer that the app learned late is corrected from its day on', async () => {
    const before = await report('owner', ...OCTOBER)
    await run('keys', 'name', 'key_07', '--owner', 'Acme', '--from', '2026-10-08')
    for (const answer of answers) {
      if (answer.key === 'key_07' && answer.day >= '2026-10-08') answer.owner = 'Acme'
    }
    const after = await report('owner', ...OCTOBER)
    expect(after).toEqual(count(answers.filter(inMonth('2026-10')), ({ owner }) => owner))
    expect(after['Acme']).toBeGreaterThan(before['Acme'])
    expect(after['Acme'] + after['Wonka']).toBe(before['Acme'] + before['Wonka'])
    expect(await invoice(...OCTOBER)).toEqual(
      count(answers.filter(inMonth('2026-10')).filter(isBillable), lineOf),
    )
  })

  test('a renamed key has the name that the app said last', async () => {
    const { keys } = await json('keys', 'list')
    const names = Object.fromEntries(keys.map(({ label, name }: Record<string, string>) => [label, name]))
    expect(names).toEqual(Object.fromEntries(Array.from(autumn.accounts, ([key, { name }]) => [key, name])))
    expect(names).toMatchObject({ key_01: 'Globex web shop', key_02: 'App 2' })
  })

  test('a renamed customer is one customer again, also on the invoice of October', async () => {
    expect(Object.keys(await report('owner', '--since', '2026-09-01'))).toEqual(
      expect.arrayContaining(['Initrode', 'Initrode Group']),
    )
    const before = await invoice(...OCTOBER, '--owner', 'Initrode')
    await run('customers', 'rename', 'Initrode', 'Initrode Group')
    for (const answer of answers) if (answer.owner === 'Initrode') answer.owner = 'Initrode Group'
    expect(await report('owner', '--since', '2026-09-01')).toEqual(count(answers, ({ owner }) => owner))
    const after = await invoice(...OCTOBER, '--owner', 'Initrode Group')
    expect(Object.values(after)).toEqual(Object.values(before))
    expect(sumOf(after)).toBeGreaterThan(0)
    const { customers } = await json('customers', 'list', ...OCTOBER)
    expect(customers.map(({ owner }: { owner: string }) => owner)).not.toContain('Initrode')
  })

  test('a customer who leaves is forgotten, and the totals are still proven', async () => {
    const theirs = answers.filter(({ owner }) => owner === 'Hooli')
    await run('keys', 'forget', '--owner', 'Hooli', '--yes')
    answers = answers.filter(({ owner }) => owner !== 'Hooli')
    const everything =
      (await run('export')) + (await run('keys', 'list')) + (await run('report', '--since', '2026-09-01'))
    expect(everything).not.toContain('Hooli')
    for (const key of new Set(theirs.map(({ key }) => key))) expect(everything).not.toContain(key)
    expect(await report('owner', '--since', '2026-09-01')).toEqual(count(answers, ({ owner }) => owner))
    expect(await json('verify')).toMatchObject({
      accountedFor: true,
      storedRequests: answers.length,
      prunedRequests: theirs.length,
    })
  })

  test('one whose invoices must be kept is anonymised: each figure stays, no name does', async () => {
    const theirs = answers.filter(({ owner }) => owner === 'Umbrella')
    const before = await invoice(...OCTOBER)
    await run('keys', 'forget', '--owner', 'Umbrella', '--anonymise', '--yes')
    const after = await invoice(...OCTOBER)
    expect(figuresOf(after)).toEqual(figuresOf(before))
    const everything = (await run('export')) + (await run('keys', 'list')) + (await run('customers', 'list'))
    expect(everything).not.toContain('Umbrella')
    for (const key of new Set(theirs.map(({ key }) => key))) expect(everything).not.toContain(key)
    const owners = await report('owner', '--since', '2026-09-01')
    const [anonymous, ...others] = Object.keys(owners).filter((owner) => owner.startsWith('(anonymous '))
    expect({ requests: owners[anonymous!], others }).toEqual({ requests: theirs.length, others: [] })
    expect(await json('verify')).toMatchObject({ accountedFor: true, storedRequests: answers.length })
  })

  test.each(['off', ':memory:'])(
    "the team's own tests with %s leave nothing, here or in the database",
    async (how) => {
      const empty = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
      const env = { DATABASE_URL: database, PATH: process.env['PATH'] }
      const child = spawn(process.execPath, [findProgram('count-without-files'), how], { cwd: empty, env })
      const ended = once(child, 'close')
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
      // nobody closes its analytics: it ends by itself
      expect({ code: (await ended)[0], stderr }).toEqual({ code: 0, stderr: '' })
      const { stats } = JSON.parse(stdout) as { stats: { counted: number } }
      expect(stats.counted).toBe(how === 'off' ? 0 : 2)
      expect(readdirSync(empty)).toEqual([])
      rmSync(empty, { recursive: true })
      expect((await json('verify')).storedRequests).toBe(answers.length)
    },
  )

  test('a service that closes only its server ends by itself, with all that it counted', async () => {
    const dataDir = join(folder, 'jobs')
    const { code, output } = await runProcess(
      'use-all-parts',
      JSON.stringify({ database, dataDir, close: false }),
    )
    // its total is of the whole database: what was there, its request and its job
    const requests = answers.length + 2
    expect({ code, served: JSON.parse(output)[0], total: JSON.parse(output)[2] }).toEqual({
      code: 0,
      served: 'served',
      total: requests,
    })
    expect(await json('verify')).toMatchObject({ accountedFor: true, storedRequests: requests })
  })
})
