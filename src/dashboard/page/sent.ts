/** Data from JSON: times are ISO texts, and large whole numbers are texts. */
export type Sent<T> = T extends Date
  ? string
  : T extends bigint
    ? string
    : T extends object
      ? { readonly [Name in keyof T]: Sent<T[Name]> }
      : T
