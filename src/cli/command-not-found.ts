import type { Hook } from '@oclif/core'
import { renderJson } from '../report/render/render-json.ts'
import { didYouMean, suggest } from '../model/suggest.ts'
import { describeError } from './describe-error.ts'

/** Reports an unknown command in one line: oclif's own message would repeat a password that follows it. */
const commandNotFound: Hook.CommandNotFound = async ({ id, argv = [], config }) => {
  const [first = '', second = ''] = id.split(':')
  const shown = config.commands.filter(({ hidden }) => !hidden)
  const names = shown.map((command) => command.id.replaceAll(':', ' '))
  const isTopic = names.some((name) => name.startsWith(`${first} `))
  // The word after a topic counts as a command's name only if it looks like one: it may be any pasted text.
  const asked = isTopic && /^[a-z][a-z-]{0,19}$/i.test(second) ? `${first} ${second}` : first
  const { bin } = config
  const message = config.findCommand(first)
    ? `"${first}" takes no arguments. See ${bin} ${first} --help.`
    : `There is no command "${asked}".${describeNear(asked, names)} See ${bin} ${isTopic ? `${first} ` : ''}--help.`
  const text = describeError(new Error(message)).message
  if (argv.includes('--json')) {
    process.stdout.write(renderJson({ error: { code: 'WRONG_USAGE', message: text } }))
  } else {
    process.stderr.write(`Error: ${text}\n`)
  }
  process.exitCode = 2
}

/** Similar names; for a topic all of its commands when none is similar. */
function describeNear(asked: string, names: readonly string[]): string {
  const [topic] = asked.split(' ')
  const ofTopic = names.filter((name) => name.startsWith(`${topic} `))
  const candidates = ofTopic.length > 0 ? ofTopic : names
  const near = suggest(asked, candidates)
  if (near.length > 0 || ofTopic.length === 0) return didYouMean(near)
  return ` There are ${ofTopic.join(', ')}.`
}

export default commandNotFound
