/** A slot of a cell and the bin that it counts, in one word of 32 bits. */
const BIN_BITS = 7
const BIN_MASK = 2 ** BIN_BITS - 1

/** Marks that there is none. */
export const NO_SLOT = 0

export const packSlot = (slot: number, bin: number): number => ((slot + 1) << BIN_BITS) | bin

export const binOfWord = (word: number): number => word & BIN_MASK

export const slotOfWord = (word: number): number => (word >>> BIN_BITS) - 1
