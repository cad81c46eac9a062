/** Coarsest clock of a file system in use (FAT): a file changed this recently may change again unseen. */
export const CLOCK_STEP_NS: bigint = 2_000_000_000n
