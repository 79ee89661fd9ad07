import { findFindings } from '../../src/security/find-findings.ts'
import type { Finding } from '../../src/security/finding.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { REJECTED_KEY } from '../../src/model/key.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import { fillKeys, fillUsage, keyIdOf } from '../support/usage/fill-usage.ts'
import { makeTraffic, REJECTED } from '../support/usage/make-traffic.ts'
import type { PlantedIncident, Traffic } from '../support/usage/make-traffic.ts'

/**
 * How many planted incidents `findFindings` finds, and how many findings are false. The last of five generated weeks
 * is looked at day by day, as cron would. Found is an incident when its own rule names its key at its time; false is
 * a finding that no incident of its key and time explains. Usage: npm run bench:security [-- FIRST LAST], the seeds.
 */
const DAY = 86_400_000
const [first = 1, last = 5] = process.argv.slice(2).map(Number)

interface Result {
  readonly found: readonly PlantedIncident[]
  readonly missed: readonly PlantedIncident[]
  readonly wrong: readonly Finding[]
  readonly keys: number
}

const results: Result[] = []
for (let seed = first; seed <= last; seed++) {
  const result = await runSeed(makeTraffic(seed, true))
  results.push(result)
  const missed = result.missed.map(({ kind, key }) => `${kind} of key ${key}`)
  const wrong = result.wrong.map(
    ({ kind, key, seen, normal }) => `${kind} of ${key?.label}: ${seen}; ${normal}`,
  )
  print(`seed ${seed}: ${result.found.length} found, ${missed.length} missed, ${wrong.length} false`)
  for (const line of missed) print(`  missed  ${line}`)
  for (const line of wrong) print(`  false   ${line}`)
}
const found = results.flatMap((result) => result.found)
const missed = results.flatMap((result) => result.missed)
const wrong = results.flatMap((result) => result.wrong)
const keyWeeks = results.reduce((sum, { keys }) => sum + keys, 0)
for (const kind of new Set([...found, ...missed].map((incident) => incident.kind))) {
  const ofKind = (list: readonly { kind: string }[]) => list.filter((one) => one.kind === kind).length
  print(
    `${kind.padEnd(16)} ${ofKind(found)} of ${ofKind(found) + ofKind(missed)} found, ${ofKind(wrong)} false`,
  )
}
print(`Detection rate: ${((100 * found.length) / (found.length + missed.length)).toFixed(1)} %`)
print(`False findings per 100 keys and week: ${((100 * wrong.length) / keyWeeks).toFixed(2)}`)

async function runSeed(traffic: Traffic): Promise<Result> {
  const database = await makeDatabase('sqlite')
  const db = await openDatabase(database.url)
  try {
    await fill(db, traffic)
    const findings = await findDaily(db, traffic)
    const isFound = (incident: PlantedIncident) =>
      findings.some((finding) => finding.kind === incident.kind && concerns(finding, incident))
    return {
      found: traffic.incidents.filter(isFound),
      missed: traffic.incidents.filter((incident) => !isFound(incident)),
      wrong: findings.filter((finding) => !traffic.incidents.some((incident) => concerns(finding, incident))),
      keys: traffic.keys.length,
    }
  } finally {
    await db.close()
    await database.remove()
  }
}

async function fill(db: Database, { keys, rows }: Traffic): Promise<void> {
  await fillKeys(db, [{ key: REJECTED, label: REJECTED_KEY.label }, ...keys])
  for (let start = 0; start < rows.length; start += 5000) await fillUsage(db, rows.slice(start, start + 5000))
  await nameRejected(db)
}

/** Gives the key that stands for unknown keys its reserved id. */
async function nameRejected(db: Database): Promise<void> {
  const ids = [REJECTED_KEY.id, keyIdOf(REJECTED)]
  await db.query(
    `insert into api_key_analytics_keys (id, label, first_seen_at, last_used_at)
select $1, label, first_seen_at, last_used_at from api_key_analytics_keys where id = $2`,
    ids,
  )
  await db.query('update api_key_analytics set api_key_id = $1 where api_key_id = $2', ids)
}

async function findDaily(db: Database, { lastWeek, end }: Traffic): Promise<Finding[]> {
  const findings: Finding[] = []
  const source = { findUsage: (query: Parameters<typeof findUsage>[1]) => findUsage(db, query) }
  for (let day = lastWeek; day < end; day += DAY) {
    const period = { since: new Date(day), until: new Date(day + DAY) }
    findings.push(...(await findFindings(source, period)).findings)
  }
  return findings
}

/** Whether a finding is about an incident: its key, at its time. */
function concerns(finding: Finding, { key, from, to }: PlantedIncident): boolean {
  const id = key === REJECTED ? REJECTED_KEY.id : keyIdOf(key)
  return finding.key?.id === id && finding.from.getTime() < to && finding.to.getTime() > from
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
