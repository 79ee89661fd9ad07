import type { UsageDimension } from '../../model/usage-query.ts'

/** One dimension as people see it: method and pattern together are one endpoint. */
export type Axis = readonly [UsageDimension] | readonly ['method', 'endpoint']

/** The axes of a list of dimensions, in their order. */
export function axesOf(by: readonly UsageDimension[]): Axis[] {
  const axes: Axis[] = []
  for (let index = 0; index < by.length; index++) {
    const isEndpoint = by[index] === 'method' && by[index + 1] === 'endpoint'
    axes.push(isEndpoint ? ['method', 'endpoint'] : [by[index]!])
    if (isEndpoint) index++
  }
  return axes
}

/** The name of an axis in `--by` and titles: `endpoint`, `path` where methods are merged, else the dimension. */
export function nameOfAxis(axis: Axis): string {
  if (axis.length === 2) return 'endpoint'
  return axis[0] === 'endpoint' ? 'path' : axis[0]
}

/** Whether a table is a matrix: one dimension as lines, the other as columns. */
export function isMatrix(by: readonly UsageDimension[]): boolean {
  return axesOf(by).length === 2
}
