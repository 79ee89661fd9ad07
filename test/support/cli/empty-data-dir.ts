/** A folder without counter files, for commands that read a database and nothing else: a data folder that is named must exist. */
export const EMPTY_DATA_DIR = import.meta.dirname
