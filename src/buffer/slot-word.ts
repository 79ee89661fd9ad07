/** A slot of a cell and the bin that it counts, in one word of 32 bits. 0 is no slot. */
const BIN_BITS = 7
const BIN_MASK = 2 ** BIN_BITS - 1

export const packSlot = (slot: number, bin: number): number => ((slot + 1) << BIN_BITS) | bin

export const binOfWord = (word: number): number => word & BIN_MASK

/** The slot of a word; -1 where there is none. */
export const slotOfWord = (word: number): number => (word >>> BIN_BITS) - 1
