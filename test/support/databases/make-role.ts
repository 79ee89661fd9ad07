import { randomBytes } from 'node:crypto'
import { administer } from './administer.ts'

/** A role of one's own on the test's server, who may do nothing but connect. */
export interface TestRole {
  readonly name: string
  /** The database of `makeRole`, as this role. */
  readonly url: string
  remove(): Promise<void>
}

/** Unlike any word of the code, so that a test can look for it in what a program wrote. */
export const ROLE_PASSWORD = 'c0rrect-horse-of-the-tests'

/** Makes a role; `settings` are what `create role` takes, or `alter role … set` for those that begin with `set`. */
export async function makeRole(url: string, ...settings: string[]): Promise<TestRole> {
  const name = `apikey_analytics_test_${randomBytes(6).toString('hex')}`
  const attributes = settings.filter((setting) => !setting.startsWith('set '))
  await administer(url, `create role ${name} login password '${ROLE_PASSWORD}' ${attributes.join(' ')}`)
  for (const setting of settings.filter((one) => one.startsWith('set '))) {
    await administer(url, `alter role ${name} ${setting}`)
  }
  const own = new URL(url)
  own.username = name
  own.password = ROLE_PASSWORD
  return {
    name,
    url: own.href,
    async remove() {
      await administer(url, `drop owned by ${name} cascade`).catch(() => {})
      await administer(url, `drop role if exists ${name}`)
    },
  }
}
