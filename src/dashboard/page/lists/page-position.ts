import { PAGE_SIZES } from './pager.ts'
import type { ListName, View } from '../view.ts'

/** The page of a list that a view names; anything may stand in an address. */
export function positionIn(view: View, list: ListName): { page: number; rows: number } {
  const rows = Number(view['rows'])
  const page = Number(view[`${list}.page`] ?? '')
  return {
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
    rows: PAGE_SIZES.find((size) => size === rows) ?? PAGE_SIZES[0],
  }
}

/** The same as parameters of the API. */
export function pageParametersOf(view: View, list: ListName): { limit: string; offset?: string } {
  const { page, rows } = positionIn(view, list)
  return { limit: String(rows), ...(page > 1 && { offset: String((page - 1) * rows) }) }
}
