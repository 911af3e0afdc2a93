/**
 * Every figure of the life of a task, in milliseconds unless the name says otherwise. All are configurable; how long a phase
 * may take belongs to the workspace, not here.
 */
export interface Figures {
  /** Time an agent has to accept an offer. */
  readonly offerMs: number;
  /** What one renewal is worth; after it people read "contact lost". */
  readonly leaseMs: number;
  /** How often the runner is asked to renew. */
  readonly renewEveryMs: number;
  /** Silence after which an attempt that cannot have applied anything is given up. */
  readonly lostAfterMs: number;
  /** How long an agent that gave a task back is not asked again for that task. */
  readonly passOverMs: number;
  /** Returns with which a task fails. */
  readonly maxReturns: number;
  /** Losses with which a task fails. */
  readonly maxLosses: number;
  /** Sent offers left unanswered in a row that make an agent suspect. */
  readonly silentOffersUntilSuspect: number;
  /** From a cancel to the end of an attempt that holds no used permit, when no exit is reported. */
  readonly cancelGraceMs: number;
  /** From a cancel or time-out to `stuck`, for an apply under way. */
  readonly stuckAfterMs: number;
  /** Silence of an apply beyond its own time-out until it counts as abandoned … */
  readonly abandonedSlackMs: number;
  /** … but never less silence than this. */
  readonly abandonedAtLeastMs: number;
  /** From an exit to its settling without what is still missing. */
  readonly settleMs: number;
  /** Life of a stored plan that nobody applied. */
  readonly planLifeMs: number;
  /** How often the lease keeper writes that it is alive. */
  readonly keeperEveryMs: number;
  /** Gap between two of its ticks that counts as an outage of the server. */
  readonly keeperGapMs: number;
  /** What is added to the gap when deadlines are moved after an outage. */
  readonly keeperGraceMs: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The documented start values. */
export const START_FIGURES: Figures = {
  offerMs: 10 * SECOND,
  leaseMs: 60 * SECOND,
  renewEveryMs: 15 * SECOND,
  lostAfterMs: 120 * SECOND,
  passOverMs: 30 * SECOND,
  maxReturns: 5,
  maxLosses: 2,
  silentOffersUntilSuspect: 3,
  cancelGraceMs: 2 * MINUTE,
  stuckAfterMs: 15 * MINUTE,
  abandonedSlackMs: 15 * MINUTE,
  abandonedAtLeastMs: HOUR,
  settleMs: 10 * MINUTE,
  planLifeMs: 7 * DAY,
  keeperEveryMs: 5 * SECOND,
  keeperGapMs: 15 * SECOND,
  keeperGraceMs: 60 * SECOND,
};
