/**
 * How Node is started for a program that waits most of its life, many of which may wait on one host. What each setting saves
 * stands in docs/adr/0004; none of them may slow the log of a million lines.
 */
export const LEAN_NODE = {
  flags: [
    // Little room for short-lived objects, and an early first collection of the others.
    '--max-semi-space-size=1',
    '--initial-heap-size=4',
    '--optimize-for-size',
    // Two compilers fewer; the third comes when code has run long, not while a program starts and rehearses.
    '--no-sparkplug',
    '--no-maglev',
    '--invocation-count-for-turbofan=20000',
    '--invocation-count-for-osr=20000',
    // An expression is compiled when it is first used, which a rehearsal does, and not a second time when it is used again.
    '--no-regexp-tier-up',
    // The C library knows the time zone as well, without half a megabyte of tables.
    '--no-icu-timezone-data',
  ],
  /** For glibc, others take no notice: one heap for all threads, and what is freed goes back to the kernel. */
  env: {
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '32768',
    MALLOC_TRIM_THRESHOLD_: '65536',
    MALLOC_TOP_PAD_: '0',
  },
} as const;
