import { fstatSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import type koffiModule from 'koffi'

/** How counts survive the process: in the kernel's pages, by a write per count, or not at all. */
export type CounterMode = 'mapped' | 'written' | 'memory'

/** The bytes of one counter file. In mode `mapped` every store is already in the kernel's hands. */
export interface CounterMemory {
  readonly mode: CounterMode
  readonly buffer: ArrayBuffer
  /** Gives a changed range to the kernel; does nothing where the memory is mapped or has no file. */
  persist(offset: number, length: number): void
}

/** Memory without a file: counts in it die with the process. */
export function heapMemory(bytes: number): CounterMemory {
  return { mode: 'memory', buffer: new ArrayBuffer(bytes), persist() {} }
}

/**
 * A copy of an open file in memory; each change is one positioned write.
 * @param onFailure called once, when the kernel refuses a write; later counts are in memory only
 */
export function writtenMemory(
  fd: number,
  bytes: Uint8Array<ArrayBuffer>,
  onFailure: (cause: unknown) => void,
): CounterMemory {
  let mode: CounterMode = 'written'
  return {
    get mode() {
      return mode
    },
    buffer: bytes.buffer,
    persist(offset, length) {
      if (mode === 'memory') return
      try {
        writeSync(fd, bytes, offset, length, offset)
      } catch (cause) {
        mode = 'memory'
        onFailure(cause)
      }
    },
  }
}

/** Replaces by zeros what a truncated file has lost. Only the remaining part of the file is written. */
export function lengthen(memory: CounterMemory, bytes: number): CounterMemory {
  const left = new Uint8Array(memory.buffer)
  const whole = new Uint8Array(bytes)
  whole.set(left)
  return {
    mode: memory.mode,
    buffer: whole.buffer,
    persist(offset, length) {
      const changed = whole.subarray(offset, Math.min(offset + length, left.length))
      if (changed.length === 0) return
      left.set(changed, offset)
      memory.persist(offset, changed.length)
    },
  }
}

/**
 * The pages of an open file, shared with the kernel. Never unmapped, and the file is never truncated while mapped: a
 * store after either would kill the process.
 * @returns undefined where koffi or mmap is not available
 */
export function mappedMemory(fd: number): CounterMemory | undefined {
  const map = loadMmap()
  const buffer = map?.(fd, fstatSync(fd).size)
  return buffer && { mode: 'mapped', buffer, persist() {} }
}

type Mmap = (fd: number, bytes: number) => ArrayBuffer | undefined

const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MAP_FAILED = 0xffff_ffff_ffff_ffffn
const C_LIBRARIES: Partial<Record<NodeJS.Platform, string[]>> = {
  linux: ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'],
  darwin: ['libSystem.B.dylib'],
}

let mmap: Mmap | null | undefined

function loadMmap(): Mmap | undefined {
  mmap ??= bindMmap() ?? null
  return mmap ?? undefined
}

function bindMmap(): Mmap | undefined {
  for (const library of C_LIBRARIES[process.platform] ?? []) {
    try {
      const koffi = createRequire(import.meta.url)('koffi') as typeof koffiModule
      const call = koffi.load(library).func('void* mmap(void*, size_t, int, int, int, int64_t)')
      return (fd, bytes) => {
        const address = call(null, bytes, PROT_READ_WRITE, MAP_SHARED, fd, 0) as bigint
        // koffi.view() accepts MAP_FAILED, and the first store to it would end the process.
        return address === MAP_FAILED ? undefined : koffi.view(address, bytes)
      }
    } catch {
      // koffi is optional, and the C library has another name on some systems: the caller falls back to writing.
    }
  }
  return undefined
}
