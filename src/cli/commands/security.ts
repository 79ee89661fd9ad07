import { Flags } from '@oclif/core'
import { SEVERITIES } from '../../model/severity.ts'
import { RULES } from '../../security/rules.ts'
import { BaseCommand, exitCodes } from '../base-command.ts'

/** `apikey-analytics security` */
export default class Security extends BaseCommand {
  static override readonly summary = 'Find suspicious requests: bursts of refusals, scans, unusual keys.'
  static override readonly description = `Compares the period with the weeks before it, and lists what a person should look at, most severe first. It only reads.\n\n${exitCodes('failed, or --fail-on found something')}`
  static override readonly examples = [
    '<%= config.bin %> security',
    '<%= config.bin %> security --since 7d --format markdown',
    '<%= config.bin %> security --since 2h --fail-on high',
    '<%= config.bin %> security --threshold rateFactor=6',
    '<%= config.bin %> security --explain unusual-rate',
  ]
  static override readonly flags = {
    since: Flags.string({
      summary: 'Start: 24h, 7d, 4w ago (from the full hour), or a date or time (UTC).',
      helpValue: 'TIME',
      default: '24h',
    }),
    until: Flags.string({ summary: 'End, not included; default: now.', helpValue: 'TIME' }),
    'fail-on': Flags.option({ options: SEVERITIES })({
      summary: 'Exit code 1 when a finding is this severe or worse.',
    }),
    threshold: Flags.string({
      summary: 'Set a threshold; --explain lists them. May be repeated.',
      helpValue: 'NAME=NUMBER',
      multiple: true,
      multipleNonGreedy: true,
    }),
    explain: Flags.option({ options: Object.keys(RULES) })({
      summary: 'Explain a rule instead, with the present thresholds.',
      exclusive: ['since', 'until', 'fail-on', 'format'],
    }),
    format: Flags.option({ options: ['table', 'markdown', 'json'] as const })({
      summary: 'Format of the output.',
      default: 'table' as const,
    }),
  }

  async run(): Promise<object | undefined> {
    const { flags, metadata } = await this.parse(Security)
    const format = this.oneFormat(flags.format, metadata.flags.format)
    if (flags.explain !== undefined) {
      const { explainRule } = await import('../../security/explain-rule.ts')
      const explained = explainRule(flags.explain, flags.threshold)
      this.print(explained.text)
      return explained.json
    }
    const [{ failsOn, readFindings }, { renderFindingsAs, toFindingsJson }] = await Promise.all([
      import('../../security/read-findings.ts'),
      import('../../security/render-findings.ts'),
    ])
    return this.withDatabase(flags, async (db, { dataDir }) => {
      const found = await readFindings(db, flags, dataDir)
      this.print(renderFindingsAs(format, found, this.screen(flags)))
      if (failsOn(found, flags['fail-on'])) this.differs()
      return toFindingsJson(found)
    })
  }
}
