/** What a test of `apiKeyUsage` compares of an answer. */
export function readCounts(body: {
  readonly total: { readonly requests: number; readonly units: Readonly<Record<string, string>> }
  readonly endpoints: readonly { readonly endpoint: string; readonly requests: number }[]
  readonly steps: readonly { readonly requests: number }[]
}): object {
  return {
    requests: body.total.requests,
    tokens: Number(body.total.units['tokens'] ?? 0),
    endpoints: body.endpoints.map(({ endpoint }) => endpoint).sort(),
    inSteps: body.steps.reduce((sum, { requests }) => sum + requests, 0),
  }
}
