/** SQL for a list of parameters, `$1, $2, …`, one for each value. @param first number of the first one */
export function placeholders(values: readonly unknown[], first = 1): string {
  return values.map((_, index) => `$${index + first}`).join(', ')
}
