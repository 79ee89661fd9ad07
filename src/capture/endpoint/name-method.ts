import { METHODS } from 'node:http'
import { OTHER_METHOD } from '../../model/operation.ts'

const KNOWN_METHODS = new Set(METHODS)

/** A method as it is counted: one that HTTP does not know is `_OTHER`. */
export const nameMethod = (method: string): string => (KNOWN_METHODS.has(method) ? method : OTHER_METHOD)
