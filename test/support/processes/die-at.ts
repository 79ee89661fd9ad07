import { subscribe } from 'node:diagnostics_channel'
import type { FaultPoint } from '../../../src/model/fault-point.ts'

/** A moment of a process's life: the first, second … time that it comes by a fault point. */
export interface Moment {
  readonly point: FaultPoint
  readonly occurrence: number
}

/** Kills this process at a moment, so that not one more statement of it runs. */
export function dieAt({ point, occurrence }: Moment): void {
  let seen = 0
  const { pid } = process
  subscribe('apikey-analytics:fault-point', (name) => {
    if (name === point && ++seen === occurrence) process.kill(pid, 'SIGKILL')
  })
}
