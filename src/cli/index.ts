import { tolerateBrokenPipe } from './broken-pipe.ts'
import AlertsCheck from './commands/alerts/check.ts'
import AlertsList from './commands/alerts/list.ts'
import AlertsRetry from './commands/alerts/retry.ts'
import Close from './commands/close.ts'
import Complete from './commands/complete.ts'
import Completion from './commands/completion.ts'
import CustomersList from './commands/customers/list.ts'
import CustomersRename from './commands/customers/rename.ts'
import Dashboard from './commands/dashboard.ts'
import Demo from './commands/demo.ts'
import Export from './commands/export.ts'
import Flush from './commands/flush.ts'
import Import from './commands/import.ts'
import ImportsList from './commands/imports/list.ts'
import ImportsRemove from './commands/imports/remove.ts'
import Help from './commands/help.ts'
import KeysForget from './commands/keys/forget.ts'
import KeysLink from './commands/keys/link.ts'
import KeysList from './commands/keys/list.ts'
import KeysName from './commands/keys/name.ts'
import KeysOwners from './commands/keys/owners.ts'
import KeysUnlink from './commands/keys/unlink.ts'
import Migrate from './commands/migrate.ts'
import Move from './commands/move.ts'
import Prune from './commands/prune.ts'
import QuotasList from './commands/quotas/list.ts'
import QuotasRemove from './commands/quotas/remove.ts'
import QuotasSet from './commands/quotas/set.ts'
import Report from './commands/report.ts'
import RoutesDeprecate from './commands/routes/deprecate.ts'
import RoutesList from './commands/routes/list.ts'
import RoutesUndeprecate from './commands/routes/undeprecate.ts'
import Security from './commands/security.ts'
import StatementsCheck from './commands/statements/check.ts'
import StatementsList from './commands/statements/list.ts'
import StatementsShow from './commands/statements/show.ts'
import Verify from './commands/verify.ts'

tolerateBrokenPipe()

/** Every command by its id. Each imports its code when it runs, so that `--help` is fast. */
export const COMMANDS = {
  'alerts:check': AlertsCheck,
  'alerts:list': AlertsList,
  'alerts:retry': AlertsRetry,
  close: Close,
  complete: Complete,
  completion: Completion,
  'customers:list': CustomersList,
  'customers:rename': CustomersRename,
  dashboard: Dashboard,
  demo: Demo,
  export: Export,
  flush: Flush,
  import: Import,
  'imports:list': ImportsList,
  'imports:remove': ImportsRemove,
  help: Help,
  'keys:forget': KeysForget,
  'keys:link': KeysLink,
  'keys:list': KeysList,
  'keys:name': KeysName,
  'keys:owners': KeysOwners,
  'keys:unlink': KeysUnlink,
  migrate: Migrate,
  move: Move,
  prune: Prune,
  'quotas:list': QuotasList,
  'quotas:remove': QuotasRemove,
  'quotas:set': QuotasSet,
  report: Report,
  'routes:deprecate': RoutesDeprecate,
  'routes:list': RoutesList,
  'routes:undeprecate': RoutesUndeprecate,
  security: Security,
  'statements:check': StatementsCheck,
  'statements:list': StatementsList,
  'statements:show': StatementsShow,
  verify: Verify,
}
