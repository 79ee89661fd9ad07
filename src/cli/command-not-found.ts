import type { Hook } from '@oclif/core'
import { didYouMean, suggest } from '../options/suggest.ts'
import { describeError } from './describe-error.ts'

/** Says in one line that there is no such command: oclif's own message would repeat a password after it. */
const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const [first = '', second = ''] = id.split(':')
  const names = config.commandIDs.map((name) => name.replaceAll(':', ' '))
  const isTopic = names.some((name) => name.startsWith(`${first} `))
  // what follows a topic is a command's name only if it looks like one: it may be anything that was pasted
  const asked = isTopic && /^[a-z][a-z-]{0,19}$/i.test(second) ? `${first} ${second}` : first
  const { bin } = config
  const message = config.findCommand(first)
    ? `"${first}" takes no arguments. See ${bin} ${first} --help.`
    : `There is no command "${asked}".${describeNear(asked, names)} See ${bin} ${isTopic ? `${first} ` : ''}--help.`
  process.stderr.write(`Error: ${describeError(new Error(message)).message}\n`)
  process.exitCode = 2
}

/** The names that may have been meant: of a topic all of its own when none is near. */
function describeNear(asked: string, names: readonly string[]): string {
  const [topic] = asked.split(' ')
  const ofTopic = names.filter((name) => name.startsWith(`${topic} `))
  const candidates = ofTopic.length > 0 ? ofTopic : names
  const near = suggest(asked, candidates)
  if (near.length > 0 || ofTopic.length === 0) return didYouMean(near)
  return ` There are ${ofTopic.join(', ')}.`
}

export default commandNotFound
