import { channel } from 'node:diagnostics_channel'

/**
 * The moments between two steps at which a crash is most interesting. Tests subscribe to the channel and kill the
 * process there; without a subscriber a point costs one comparison.
 */
export type FaultPoint =
  | 'request timed'
  | 'quantity added'
  | 'late addition counted'
  | 'names record written'
  | 'names record published'
  | 'next area prepared'
  | 'areas switched'
  | 'batch stamped'
  | 'batch committed'
  | 'batch marked delivered'
  | 'file freed'
  | 'file reset'
  | 'folder made'
  | 'folder locked'
  | 'folder renamed'
  | 'file filled'
  | 'file created'
  | 'next file opened'
  | 'folder taken over'
  | 'dead file delivered'
  | 'dead file removed'
  | 'folder emptied'
  | 'set-aside batch committed'
  | 'alerts recorded'
  | 'alert claimed'
  | 'alert sent'
  | 'import begun'
  | 'import rows added'
  | 'import loaded'
  | 'import committed'
  | 'import rows removed'
  | 'import keys removed'
  | 'target claimed'
  | 'source frozen'
  | 'target emptied'
  | 'page copied'
  | 'copy compared'
  | 'target activated'
  | 'source finished'
  | 'target abandoned'
  | 'source released'

const points = channel('apikey-analytics:fault-point')

export function faultPoint(name: FaultPoint): void {
  if (points.hasSubscribers) points.publish(name)
}
