/** Settings of V8 that save memory in whatever waits most of its life. */
const LEAN_FLAGS = [
  // Little room for short-lived objects, and an early first collection of the others.
  '--max-semi-space-size=1',
  '--initial-heap-size=4',
  '--optimize-for-size',
  '--no-sparkplug',
  '--no-maglev',
  // An expression is compiled when it is first used, which a rehearsal does, and not once more when it is used again.
  '--no-regexp-tier-up',
  // The C library knows the time zone as well, without half a megabyte of tables.
  '--no-icu-timezone-data',
  // For `giveBackMemory`.
  '--expose-gc',
];

/**
 * How Node is started for a program that waits most of its life, many of which may wait on one host. What each setting saves
 * stands in docs/adr/0004; none of them may slow the log of a million lines.
 */
export const LEAN_NODE = {
  /**
   * No compiler at all: an agent does nothing heavy, and an idle one would call something often enough after minutes or hours to
   * bring the compiler itself, 6 MB of code, into memory for good.
   */
  agentFlags: [...LEAN_FLAGS, '--no-turbofan'],
  /** Compiled is what has run long, as the masking of a loud log; not while a runner starts and rehearses. */
  runnerFlags: [...LEAN_FLAGS, '--invocation-count-for-turbofan=20000', '--invocation-count-for-osr=20000'],
  /** For glibc, others take no notice: one heap for all threads, and what is freed goes back to the kernel. */
  env: {
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '32768',
    MALLOC_TRIM_THRESHOLD_: '65536',
    MALLOC_TOP_PAD_: '0',
  },
} as const;

/**
 * Collects what a start has left behind and gives it back to the kernel, for a program that is about to wait: Node itself would do so
 * minutes later. It stands still meanwhile, for some 50 ms, or a quarter of a second on a machine that is busy. Without `LEAN_NODE`
 * nothing happens.
 */
export function giveBackMemory(): void {
  globalThis.gc?.({ type: 'major', flavor: 'last-resort', execution: 'sync' });
}
