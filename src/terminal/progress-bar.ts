import { formatCount } from './format-number.ts'

/** A bar on standard error. Does nothing when that is not a terminal, or with `--no-progress`. */
export interface ProgressBar {
  readonly isShown: boolean
  /** `done` from 0 to 1; `count` is shown to people. */
  update(done: number, count: number): void
  stop(): void
}

/** Starts a bar for work that counts `what` (requests, rows). */
export async function startProgressBar(what: string, shown: boolean): Promise<ProgressBar> {
  if (!shown || !process.stderr.isTTY) return { isShown: false, update() {}, stop() {} }
  const { default: progress } = await import('cli-progress')
  const bar = new progress.SingleBar({
    format: `{bar} {percentage}% | {count} ${what} | {rate}/s | {eta_formatted} left`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream: process.stderr,
    // leaves room for the rest of the line in 80 columns
    barsize: 16,
    clearOnComplete: true,
    hideCursor: true,
  })
  const startedAt = performance.now()
  const SCALE = 10_000
  bar.start(SCALE, 0, { count: '0', rate: '0' })
  return {
    isShown: true,
    update(done, count) {
      const rate = Math.round(count / Math.max(0.001, (performance.now() - startedAt) / 1000))
      bar.update(Math.round(done * SCALE), {
        count: formatCount(count),
        rate: formatCount(rate),
      })
    },
    stop: () => bar.stop(),
  }
}
