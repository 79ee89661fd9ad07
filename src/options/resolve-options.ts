import { describeType, quoteName } from '../model/describe-value.ts'
import { AnalyticsError } from '../model/errors.ts'
import { parseDatabaseUrl } from './parse-database-url.ts'
import { locateDatabase, MEMORY_DATABASE } from './database-location.ts'
import { guardOnError, warnOncePerCode } from './guard-on-error.ts'
import type { AnalyticsOptions, ResolvedOptions } from './options.ts'
import { readPackageVersion } from './read-package-version.ts'
import {
  readBucketMinutes,
  readEndpointOption,
  readFunction,
  readIgnore,
  readNumber,
  readRelease,
  readRoutesOption,
  readSwitch,
  readTextOption,
  readToken,
  readUnits,
} from './read-option.ts'

const NAMES: ReadonlySet<string> = new Set<keyof AnalyticsOptions>([
  'database',
  'dataDir',
  'identify',
  'keyword',
  'header',
  'endpoint',
  'routes',
  'release',
  'ignore',
  'units',
  'bucket',
  'flushIntervalMs',
  'maxEndpointsPerKey',
  'maxEndpointLength',
  'maxKeys',
  'pepper',
  'rateLimitHeaders',
  'deprecationHeaders',
  'onError',
  'enabled',
])

/**
 * Checks the options and fills in the defaults: the only place that does.
 * @throws OPTION_INVALID with what was found and what is expected; never with a password or the pepper.
 */
export function resolveOptions(
  options: AnalyticsOptions = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
  workingDirectory = process.cwd(),
): ResolvedOptions {
  const given = readGiven(options)
  const location = locateDatabase(
    { database: readTextOption(given, 'database'), dataDir: readTextOption(given, 'dataDir') },
    environment,
    workingDirectory,
  )
  const enabled = readSwitch(given, 'enabled') ?? true
  const isGiven = given.database !== undefined
  // an app that does not count does not use DATABASE_URL, so a wrong one does no harm
  if (enabled || isGiven) checkDatabase(location.database, !isGiven && Boolean(environment['DATABASE_URL']))
  const routes = readRoutesOption(given)
  return {
    ...location,
    identify: readFunction(given, 'identify'),
    keyword: readToken(given, 'keyword') ?? 'Api-Key',
    header: (readToken(given, 'header') ?? 'x-api-key').toLowerCase(),
    endpoint: readEndpointOption(given),
    routes,
    release: readRelease(given) ?? (routes.length > 0 ? readPackageVersion(workingDirectory) : null),
    ignore: readIgnore(given),
    units: readUnits(given),
    bucketMinutes: readBucketMinutes(given),
    mapCounters: !environment['APIKEY_ANALYTICS_NO_MMAP'],
    flushIntervalMs: readNumber(given, 'flushIntervalMs', 100, 3_600_000) ?? 5000,
    maxEndpointsPerKey: readNumber(given, 'maxEndpointsPerKey', 1, 1_000_000) ?? 1000,
    maxEndpointLength: readNumber(given, 'maxEndpointLength', 16, 500) ?? 500,
    maxKeys: readNumber(given, 'maxKeys', 1, 1_000_000) ?? 10_000,
    pepper: readTextOption(given, 'pepper') ?? (environment['APIKEY_ANALYTICS_PEPPER'] || undefined),
    rateLimitHeaders: readSwitch(given, 'rateLimitHeaders') ?? false,
    deprecationHeaders: readSwitch(given, 'deprecationHeaders') ?? false,
    onError: guardOnError(readFunction(given, 'onError') ?? warnOncePerCode()),
    enabled,
  }
}

/** A copy without a prototype: inherited properties and `__proto__` must not pass for options. */
function readGiven(options: unknown): AnalyticsOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new AnalyticsError(
      'OPTION_INVALID',
      `The options are ${describeType(options)}, expected an object.`,
    )
  }
  const given: AnalyticsOptions = Object.assign(Object.create(null), options)
  const unknown = Object.keys(given).find((name) => !NAMES.has(name))
  if (unknown === undefined) return given
  throw new AnalyticsError(
    'OPTION_INVALID',
    `Unknown option ${quoteName(unknown)}. The options are ${[...NAMES].join(', ')}.`,
  )
}

function checkDatabase(url: string, fromEnvironment: boolean): void {
  if (url === MEMORY_DATABASE) return
  try {
    parseDatabaseUrl(url)
  } catch (cause) {
    if (!fromEnvironment || !(cause instanceof AnalyticsError)) throw cause
    const remedy = 'It was read from DATABASE_URL; the option "database" goes before it.'
    throw new AnalyticsError('OPTION_INVALID', `${cause.message} ${remedy}`, { cause })
  }
}
