import type Koa from 'koa'
import { AnalyticsError } from '../model/errors.ts'

/**
 * The app's own Koa, a peer dependency: for servers of this package.
 * @throws KOA_NOT_FOUND
 */
export async function loadKoa(): Promise<typeof Koa> {
  try {
    return (await import('koa')).default
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new AnalyticsError(
      'KOA_NOT_FOUND',
      'This command serves pages with Koa, and no Koa is installed beside apikey-analytics. Run "npm install koa" in the folder of your app.',
      { cause },
    )
  }
}
