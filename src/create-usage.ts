import type { KeyIdentity } from './model/key.ts'
import type { Usage } from './model/usage.ts'
import { findStatements, readStatement } from './billing/statement/read-statement.ts'
import { checkFromCode, closeFromCode } from './billing/statements-from-code.ts'
import { findKeys } from './store/read/find-keys.ts'
import { findUsage } from './store/read/find-usage.ts'
import { requireKeyId } from './store/keys/require-key-id.ts'
import { findOwners } from './store/keys/key-owners.ts'
import { linkKey, unlinkKey } from './store/keys/link-keys.ts'
import { getMostAccessedEndpoints } from './store/read/most-accessed-endpoints.ts'
import type { Database } from './store/database/open-database.ts'
import { noteDatabase } from './store/database-of.ts'
import { measureQuotas } from './store/quotas/measure-quotas.ts'
import { removeQuota } from './store/quotas/remove-quota.ts'
import { setQuota } from './store/quotas/set-quota.ts'
import { deprecateRoute, undeprecateRoute } from './store/routes/deprecate-route.ts'
import { findDeprecatedRoutes } from './store/routes/find-deprecated-routes.ts'
import { findListedRoutes } from './store/routes/find-routes.ts'
import { findUnusedRoutes } from './store/routes/find-unused-routes.ts'
import { streamUsage } from './store/read/stream-usage.ts'

/** The read side of an open database; `close` becomes its `close()`. */
export function createUsage(db: Database, close: () => Promise<void>): Usage {
  const usage: Usage = {
    findUsage: (query) => findUsage(db, query),
    streamUsage: (query) => streamUsage(db, query),
    getMostAccessedEndpoints: (key, options) => getMostAccessedEndpoints(db, key, options),
    findKeys: (text) => findKeys(db, text),
    findOwners: async (key) => findOwners(db, idOf(key)),
    linkKey: async (key, { continues, acrossOwners }) =>
      linkKey(db, idOf(key), { continues: idOf(continues), acrossOwners }),
    unlinkKey: async (key) => unlinkKey(db, idOf(key)),
    closePeriod: (options) => closeFromCode(db, options),
    findStatements: () => findStatements(db),
    readStatement: (which, filter) => readStatement(db, which, filter),
    checkStatement: (which, options) => checkFromCode(db, which, options),
    setQuota: async (quota) => (await setQuota(db, quota)).quota,
    removeQuota: (quota) => removeQuota(db, quota),
    findQuotas: (filter) => measureQuotas(db, filter),
    findRoutes: () => findListedRoutes(db, db.dialect),
    findUnusedRoutes: (options) => findUnusedRoutes(db, options),
    findDeprecatedRoutes: (options) => findDeprecatedRoutes(db, options),
    deprecateRoute: async (deprecation) => (await deprecateRoute(db, deprecation)).route,
    undeprecateRoute: (route) => undeprecateRoute(db, route),
    close,
  }
  noteDatabase(usage, db)
  return usage
}

function idOf(key: string | Pick<KeyIdentity, 'id'>): string {
  return requireKeyId(typeof key === 'string' ? key : key.id)
}
