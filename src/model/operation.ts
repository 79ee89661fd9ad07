/** One operation of the API: `{ method: 'GET', endpoint: '/users/:id' }`. */
export interface Operation {
  readonly method: string
  readonly endpoint: string
}

/** Endpoint of a request that no route matched. */
export const UNMATCHED_ENDPOINT = '(unmatched)'

/** Endpoint of a request past `maxEndpointsPerKey`. */
export const OTHER_ENDPOINT = '(other)'

/** Method of a request whose method is not one of the known HTTP methods. */
export const OTHER_METHOD = '_OTHER'
