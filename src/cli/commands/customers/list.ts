import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'
import { unitFlag, usageFlags } from '../../usage-flags.ts'

const { since, until, month, tz } = usageFlags

/** `apikey-analytics customers list` */
export default class CustomersList extends BaseCommand {
  static override readonly summary =
    'List the customers (owners of keys): keys, requests, share, errors, last use, trend.'
  static override readonly description = `Without --since, --until and --month: the last 30 days. A request counts for the owner of the key at that time.\n\n${exitCodes()}`
  static override readonly examples = [
    '<%= config.bin %> customers list',
    '<%= config.bin %> customers list --month 2026-10 --tz Europe/Berlin --format csv',
    '<%= config.bin %> customers list --unit tokens',
    '<%= config.bin %> customers list --sort errors --limit 10',
  ]
  static override readonly flags = {
    since,
    until,
    month,
    tz,
    unit: unitFlag,
    sort: Flags.option({ options: ['requests', 'quantity', 'errors', 'last-used', 'group'] as const })({
      summary: 'What comes first; group is by name. Default: requests, or the quantity of a --unit.',
    }),
    limit: Flags.integer({ summary: 'Lines at most; 0 for all.', min: 0, helpValue: 'N', default: 0 }),
    format: Flags.option({ options: ['table', 'csv', 'json', 'markdown'] as const })({
      summary: 'How to write it; csv has plain numbers and UTC times.',
      default: 'table' as const,
    }),
  }

  async run(): Promise<object> {
    const { flags, metadata } = await this.parse(CustomersList)
    const format = this.oneFormat(flags.format, metadata.flags.format)
    return this.withDatabase(flags, async (db, location) => {
      const [{ readCustomers }, { renderCustomers }, { renderJson }] = await Promise.all([
        import('../../../report/customers/read-customers.ts'),
        import('../../../report/customers/render-customers.ts'),
        import('../../../report/render/render-json.ts'),
      ])
      const found = await readCustomers(db, flags, location)
      if (format === 'json') this.print(renderJson(found))
      else {
        const text = renderCustomers(found, format, this.screen(flags))
        this.print(format === 'csv' ? this.forOutput(text) : text)
      }
      for (const note of format === 'csv' ? found.notes : []) this.say(`Note: ${note}`)
      return found
    })
  }
}
