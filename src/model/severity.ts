/** Severity of a finding or an alert, lowest first. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** Whether a severity is at least as high as another one; anything is when none is given. */
export function isAtLeast(severity: Severity, least: Severity | undefined): boolean {
  return least === undefined || SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least)
}
