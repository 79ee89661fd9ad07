import type { Hook } from '@oclif/core'
import { didYouMean, suggest } from '../suggest.ts'
import { describeError } from './describe-error.ts'

/** Says in one line that there is no such command: oclif's own message would repeat a password after it. */
const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const asked = id.split(':', 1)[0] ?? ''
  const command = config.findCommand(asked)
  const names = config.commandIDs.map((name) => name.replaceAll(':', ' '))
  const message = command
    ? `"${asked}" takes no arguments. See ${config.bin} ${asked} --help.`
    : `There is no command "${asked}".${didYouMean(suggest(asked, names))} See ${config.bin} --help.`
  process.stderr.write(`Error: ${describeError(new Error(message)).message}\n`)
  process.exitCode = 2
}

export default commandNotFound
