/** Something outside of the command line that a command reads. */
interface SettingNote {
  readonly name: string
  readonly text: string
  /** Only commands with this flag read it. */
  readonly flag: string
}

/** The section ENVIRONMENT of the help. */
export const ENVIRONMENT: readonly SettingNote[] = [
  { name: 'DATABASE_URL', flag: 'database', text: 'URL of the database, when --database is not given.' },
  {
    name: 'APIKEY_ANALYTICS_DIR',
    flag: 'data-dir',
    text: 'The data folder, when --data-dir is not given.',
  },
  {
    name: 'APIKEY_ANALYTICS_PEPPER',
    flag: 'database',
    text: 'The pepper of the app, if it has one. A database with another pepper is refused.',
  },
  {
    name: 'APIKEY_ANALYTICS_WEBHOOK',
    flag: 'webhook',
    text: 'Where to send alerts, when --webhook is not given.',
  },
  {
    name: 'APIKEY_ANALYTICS_WEBHOOK_SECRET',
    flag: 'webhook',
    text: 'Signs what is sent to webhooks.',
  },
  {
    name: 'APIKEY_ANALYTICS_MOVE_TO',
    flag: 'to',
    text: 'URL of the new database, when --to is not given.',
  },
  { name: 'NO_COLOR', flag: 'no-color', text: 'No colours, as with --no-color.' },
]

/** The section FILES of the help. */
export const FILES: readonly SettingNote[] = [
  {
    name: '.apikey-analytics/',
    flag: 'data-dir',
    text: 'The data folder in the working directory: counter files of running processes, and usage.db.',
  },
  {
    name: '.apikey-analytics/usage.db',
    flag: 'database',
    text: 'The SQLite database that is used when no other one is named.',
  },
]
