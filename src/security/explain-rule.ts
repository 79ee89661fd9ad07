import type { FindingKind } from './finding.ts'
import { parseThresholds } from './parse-thresholds.ts'
import { RULES } from './rules.ts'
import { resolveThresholds } from './thresholds.ts'

/** The explanation of a rule, for people and for programs. @throws ARGUMENT_INVALID for a wrong threshold */
export function explainRule(
  kind: string,
  given: readonly string[] | undefined,
): { text: string; json: object } {
  const rule = RULES[kind as FindingKind]
  const thresholds = resolveThresholds(parseThresholds(given))
  const explanation = rule.explain(thresholds)
  const set = Object.entries(thresholds).map(([name, value]) => `  ${name}=${value}`)
  const text = [
    `${kind} (${rule.severity}): ${rule.summary}`,
    explanation,
    `Thresholds, set with --threshold NAME=NUMBER:\n${set.join('\n')}`,
  ].join('\n\n')
  const { severity, summary } = rule
  return { text: `${text}\n`, json: { kind, severity, summary, explanation, thresholds } }
}
