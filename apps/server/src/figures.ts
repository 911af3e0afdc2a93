import type { Configuration } from './configuration.ts';
import type { Figures } from './modules/tasks/index.ts';

/** The figures of the life of a task, as configured. */
export const toFigures = ({ leases }: Configuration): Figures => ({
  offerMs: leases.offer,
  leaseMs: leases.lease,
  renewEveryMs: leases.renew,
  lostAfterMs: leases.lost_after,
  passOverMs: leases.pass_over,
  maxReturns: leases.max_returns,
  maxLosses: leases.max_losses,
  silentOffersUntilSuspect: leases.silent_offers,
  cancelGraceMs: leases.cancel_grace,
  stuckAfterMs: leases.stuck_after,
  abandonedSlackMs: leases.abandoned_slack,
  abandonedAtLeastMs: leases.abandoned_at_least,
  settleMs: leases.settle,
  planLifeMs: leases.plan_life,
  keeperEveryMs: leases.keeper,
  keeperGapMs: leases.keeper_gap,
  keeperGraceMs: leases.keeper_grace,
});
