import { AnalyticsError } from '../model/errors.ts'
import { readTextFile } from '../options/read-text-file.ts'

/** Where alerts are sent. */
export interface Webhook {
  /** Its name in the database and in every output: the URL may contain a secret. */
  readonly name: string
  readonly url: URL
  /** One, or two while it is changed: every message is then signed with both. */
  readonly secrets: readonly string[]
}

/** How webhooks are given. */
export interface WebhookInput {
  /** `https://…` or `NAME=https://…`. */
  readonly given: readonly string[]
  /** Allow http to other machines. */
  readonly allowHttp: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
}

const SECRET = 'APIKEY_ANALYTICS_WEBHOOK_SECRET'
/** Standard Webhooks: a secret has 24 to 64 bytes. */
const SECRET_BYTES = [24, 64] as const
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * Reads webhooks and their secrets. Without a given one, those of the variable APIKEY_ANALYTICS_WEBHOOK, separated by
 * spaces. No message contains a URL or a secret.
 * @throws WRONG_USAGE
 */
export async function readWebhooks({ given, allowHttp, environment }: WebhookInput): Promise<Webhook[]> {
  const fromVariable = (environment['APIKEY_ANALYTICS_WEBHOOK'] ?? '').split(/\s+/).filter(Boolean)
  const texts = given.length > 0 ? given : fromVariable
  const addresses = texts.map((text, index) => readAddress(text, index + 1, allowHttp))
  const names = addresses.map(({ name }) => name)
  const double = names.find((name, index) => names.indexOf(name) !== index)
  if (double !== undefined) {
    throw wrong(`Two webhooks are called "${double}". Give them names: ops=https://… and billing=https://…`)
  }
  return Promise.all(
    addresses.map(async ({ name, url }) => ({ name, url, secrets: await readSecrets(name, environment) })),
  )
}

function readAddress(text: string, number: number, allowHttp: boolean): { name: string; url: URL } {
  const [, given, address = text] = /^([a-z][a-z0-9_-]{0,31})=(.*)$/s.exec(text) ?? []
  const which = given === undefined ? `Webhook ${number}` : `The webhook "${given}"`
  const url = URL.parse(address)
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw wrong(`${which} is no URL. Use https://host/path, or ops=https://host/path with a name.`)
  }
  if (url.username || url.password) {
    throw wrong(`${which} has a user or a password in its URL. Remove them: messages are signed instead.`)
  }
  if (url.protocol === 'http:' && !allowHttp && !LOOPBACK.test(url.hostname)) {
    throw wrong(
      `${which} uses http, so others could read the alerts. Use https, or pass --allow-http in a network that you trust.`,
    )
  }
  return { name: given ?? url.host, url }
}

async function readSecrets(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const own = `${SECRET}_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`
  for (const variable of [own, SECRET]) {
    const file = environment[`${variable}_FILE`]
    const text =
      environment[variable] || (file ? await readTextFile(file, `Check ${variable}_FILE.`) : undefined)
    if (text === undefined) continue
    const secrets = text.split(/\s+/).filter(Boolean)
    if (secrets.length > 0 && secrets.every(isSecret)) return secrets
    throw wrong(
      `${variable} is no secret of Standard Webhooks: base64 of ${SECRET_BYTES.join(' to ')} bytes, perhaps after "whsec_". Make one with "openssl rand -base64 32".`,
    )
  }
  throw wrong(
    `The webhook "${name}" has no secret. Set ${SECRET} (or ${own}, or one of them with _FILE for the path of a file) to the output of "openssl rand -base64 32".`,
  )
}

function isSecret(text: string): boolean {
  const base64 = text.replace(/^whsec_/, '')
  const { length } = Buffer.from(base64, 'base64')
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(base64) && base64.length % 4 === 0
  return isBase64 && length >= SECRET_BYTES[0] && length <= SECRET_BYTES[1]
}

function wrong(message: string): AnalyticsError {
  return new AnalyticsError('WRONG_USAGE', message)
}
