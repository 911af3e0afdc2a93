/** The figures of the general run, shortened tenfold so that leases run out, attempts are lost and applies abandoned within it. */
export const LEASE = { leaseMs: 6_000, lostAfterMs: 12_000 } as const;

/** An apply that says nothing counts as abandoned at the latest after this. */
const ABANDONED_MS = 40_000;

/** The same for the server, by its configuration. */
export const SHORT_FIGURES: Readonly<Record<string, string>> = {
  GROUNDCREW_LEASES_OFFER: '4s',
  GROUNDCREW_LEASES_LEASE: `${LEASE.leaseMs / 1000}s`,
  GROUNDCREW_LEASES_RENEW: '1500ms',
  GROUNDCREW_LEASES_LOST_AFTER: `${LEASE.lostAfterMs / 1000}s`,
  GROUNDCREW_LEASES_PASS_OVER: '2s',
  GROUNDCREW_LEASES_CANCEL_GRACE: '12s',
  GROUNDCREW_LEASES_STUCK_AFTER: '30s',
  GROUNDCREW_LEASES_ABANDONED_SLACK: '5s',
  GROUNDCREW_LEASES_ABANDONED_AT_LEAST: `${ABANDONED_MS / 1000}s`,
  GROUNDCREW_LEASES_SETTLE: '60s',
  GROUNDCREW_LEASES_KEEPER: '1s',
  GROUNDCREW_LEASES_KEEPER_GAP: '4s',
  GROUNDCREW_LEASES_KEEPER_GRACE: '6s',
};

/** How long a phase may take. */
export const TIMEOUTS = { plan_timeout_seconds: 60, apply_timeout_seconds: 90 } as const;
