import type { Attempt, Instant } from './aggregate.ts';
import type { Change, Context } from './change.ts';
import type { Figures } from './figures.ts';

/** Renews the lease: the attempt's own side was heard of, whatever it said. */
export function heard(change: Change, { now, figures }: Context): Change {
  const { attempt } = change.aggregate;
  if (!attempt) return change;
  const giveUpAt = attempt.state === 'running' ? silenceEnds(attempt, now, figures) : null;
  return change.attempt({ leaseUntil: now + figures.leaseMs, giveUpAt });
}

/**
 * Until when silence is borne from now on. An apply whose permit is used may be changing things, so it is given the rest of
 * its time-out and more before people are called; anything else has changed nothing and is given up soon.
 */
function silenceEnds(attempt: Attempt, now: Instant, figures: Figures): Instant {
  if (attempt.permit !== 'used') return now + figures.lostAfterMs;
  return Math.max((attempt.timeoutAt ?? now) + figures.abandonedSlackMs, now + figures.abandonedAtLeastMs);
}

/**
 * How far every deadline is moved after the server was away: nothing may expire for silence that nobody could have heard.
 * 0 while the lease keeper's ticks follow each other closely enough.
 */
export function outageShift(aliveAt: Instant, now: Instant, figures: Figures): number {
  const gap = now - aliveAt;
  return gap > figures.keeperGapMs ? gap + figures.keeperGraceMs : 0;
}
