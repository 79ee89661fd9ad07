import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'
import type { DeliveryState } from '../../../model/alert.ts'
import { ApiKeyAnalyticsAlertSchema } from './api-key-analytics-alert.ts'
import type { ApiKeyAnalyticsAlert } from './api-key-analytics-alert.ts'

/** The outbox: one alert on its way to one webhook. Made in the transaction in which the alert fired. */
export class ApiKeyAnalyticsAlertDelivery {
  alert!: ApiKeyAnalyticsAlert
  /** The name of the webhook, never its URL, which may contain a secret. */
  webhook!: string
  state!: DeliveryState
  attempts!: number
  /** Until then no process sends it: another one is sending it, or the last attempt failed. */
  nextAttemptAt!: Date
  deliveredAt!: Date | null
  /** Such as `answered 500`; never with the URL or a secret. */
  lastError!: string | null
}

/** Table `api_key_analytics_alert_deliveries`. */
export const ApiKeyAnalyticsAlertDeliverySchema: EntitySchema<ApiKeyAnalyticsAlertDelivery> = defineEntity({
  class: ApiKeyAnalyticsAlertDelivery,
  tableName: 'api_key_analytics_alert_deliveries',
  indexes: [{ name: 'api_key_analytics_alert_deliveries_state_index', properties: ['state', 'webhook'] }],
  properties: {
    alert: () =>
      p
        .manyToOne(ApiKeyAnalyticsAlertSchema)
        .primary()
        .fieldName('alert_id')
        .index(false)
        .deleteRule('cascade')
        .updateRule('no action')
        .foreignKeyName('api_key_analytics_alert_deliveries_alert_id_foreign'),
    webhook: p.text().fieldName('webhook').primary(),
    state: p.text().$type<DeliveryState>().fieldName('state'),
    attempts: p.integer().fieldName('attempts'),
    nextAttemptAt: p.datetime().fieldName('next_attempt_at'),
    deliveredAt: p.datetime().fieldName('delivered_at').nullable(),
    lastError: p.text().fieldName('last_error').nullable(),
  },
})
