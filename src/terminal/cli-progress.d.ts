/** The part of cli-progress that is used; it has no types of its own. */
declare module 'cli-progress' {
  interface Options {
    readonly format: string
    readonly barCompleteChar: string
    readonly barIncompleteChar: string
    readonly stream: NodeJS.WritableStream
    readonly barsize: number
    readonly clearOnComplete: boolean
    readonly hideCursor: boolean
  }
  class SingleBar {
    constructor(options: Options)
    start(total: number, value: number, payload: Record<string, string>): void
    update(value: number, payload: Record<string, string>): void
    stop(): void
  }
  const progress: { SingleBar: typeof SingleBar }
  export default progress
}
