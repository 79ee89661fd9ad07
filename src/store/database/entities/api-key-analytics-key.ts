import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** Who gave a key its name or owner. */
export type SetBy = 'app' | 'person'

/** One API key: what it is called and when it was used, never its secret. */
export class ApiKeyAnalyticsKey {
  /** UUID computed from the secret or from the app's own id. */
  id!: string
  label!: string
  name!: string | null
  /** Who set the name. The app does not replace what a person set. */
  nameSetBy!: SetBy
  /** When the app last gave the name, or a person set it; null when neither happened. */
  nameSaidAt!: Date | null
  /** The present owner. Former ones are in `api_key_analytics_owners`. */
  owner!: string | null
  ownerSetBy!: SetBy
  /** Start of the first bucket of the present owner; null when the key never had another one. */
  ownerSince!: Date | null
  ownerSaidAt!: Date | null
  firstSeenAt!: Date
  /** Updated at most once a minute by each process. */
  lastUsedAt!: Date
  /** Number of the import that brought the key; 0 once the app has counted a request with it. */
  importId!: number
}

/** Table `api_key_analytics_keys`. */
export const ApiKeyAnalyticsKeySchema: EntitySchema<ApiKeyAnalyticsKey> = defineEntity({
  class: ApiKeyAnalyticsKey,
  tableName: 'api_key_analytics_keys',
  properties: {
    id: p.uuid().fieldName('id').primary(),
    label: p.text().fieldName('label'),
    name: p.text().fieldName('name').nullable(),
    nameSetBy: p.text().$type<SetBy>().fieldName('name_set_by').default('app'),
    nameSaidAt: p.datetime().fieldName('name_said_at').nullable(),
    owner: p.text().fieldName('owner').nullable(),
    ownerSetBy: p.text().$type<SetBy>().fieldName('owner_set_by').default('app'),
    ownerSince: p.datetime().fieldName('owner_since').nullable(),
    ownerSaidAt: p.datetime().fieldName('owner_said_at').nullable(),
    firstSeenAt: p.datetime().fieldName('first_seen_at'),
    lastUsedAt: p.datetime().fieldName('last_used_at'),
    importId: p.smallint().fieldName('import_id').default(0),
  },
})
