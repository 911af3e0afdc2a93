/** Bounds and thresholds of the adaptive limit; shares are 0..1, `low` lies below `high`. */
export interface PlanLimitSettings {
  enabled: boolean;
  /** `max_concurrent_jobs`: the limit is never above it, and never below 1. */
  max: number;
  cpu: { high: number; low: number };
  memory: { high: number; low: number };
  /** How long it must be too much, or little enough, before the limit moves by one step. */
  sustainMs: number;
}

/** One measurement. */
export interface PlanLimitSample {
  now: number;
  /** Share of the time in which something waited for a processor. */
  cpuPressure: number;
  /** Memory in use. */
  memory: number;
  plansRunning: number;
}

/** The limit and what it was decided from. */
export interface PlanLimit {
  readonly limit: number;
  /** Why the limit is below what is configured; undefined while it is not. */
  readonly reason: string | undefined;
  /** Smoothed, so that a moment decides nothing; undefined before the first measurement. */
  readonly smoothed: { readonly cpu: number; readonly memory: number } | undefined;
  readonly at: number;
  /** In which direction the measurements point, and since when. */
  readonly leaning: { readonly to: 'fewer' | 'more'; readonly sinceMs: number } | undefined;
}

/** Weight of a measurement fades with this time. */
const SMOOTHING_MS = 15_000;
/** A clock that jumped, or a machine that slept, counts as no more than this. */
const LONGEST_GAP_MS = 30_000;

export const startPlanLimit = (max: number, now: number): PlanLimit => ({
  limit: max,
  reason: undefined,
  smoothed: undefined,
  at: now,
  leaning: undefined,
});

/**
 * How many plans the agent wants at most, as its processors and memory allow. Too much of either for long enough takes the limit down
 * to what runs now, and then by one or a quarter at a time; enough of both for as long lets it up the same way. Between the thresholds
 * it stays, so a constant load moves it in one direction only and then never again. More load never gives a higher limit.
 */
export function decidePlanLimit(known: PlanLimit, sample: PlanLimitSample, settings: PlanLimitSettings): PlanLimit {
  if (!settings.enabled) return startPlanLimit(settings.max, sample.now);
  // Without a reason nothing held it down: then a new maximum counts at once, in either direction.
  const before = known.reason === undefined ? settings.max : Math.min(known.limit, settings.max);
  const smoothed = smooth(known, sample);
  const to = findLeaning(smoothed, settings, before);
  const sinceMs = to !== undefined && known.leaning?.to === to ? known.leaning.sinceMs + gapMs(known, sample) : 0;
  const isTime = to !== undefined && sinceMs >= settings.sustainMs;
  const limit = isTime ? moved(to, before, sample.plansRunning, settings.max) : before;
  return {
    limit,
    reason: findReason(known.reason, isTime ? to : undefined, limit, smoothed, settings),
    smoothed,
    at: sample.now,
    leaning: to && { to, sinceMs: isTime ? 0 : sinceMs },
  };
}

function findLeaning(
  { cpu, memory }: { cpu: number; memory: number },
  settings: PlanLimitSettings,
  limit: number,
): 'fewer' | 'more' | undefined {
  if (cpu >= settings.cpu.high || memory >= settings.memory.high) return limit > 1 ? 'fewer' : undefined;
  if (cpu <= settings.cpu.low && memory <= settings.memory.low) return limit < settings.max ? 'more' : undefined;
  return undefined;
}

/** Nothing is gained by allowing more than what runs while that is too much already. */
const moved = (to: 'fewer' | 'more', limit: number, running: number, max: number): number =>
  to === 'fewer' ? Math.max(1, Math.min(limit - stepOf(limit), running)) : Math.min(max, limit + stepOf(limit));
const stepOf = (limit: number): number => Math.max(1, Math.floor(limit / 4));

function smooth(known: PlanLimit, sample: PlanLimitSample): { cpu: number; memory: number } {
  if (known.smoothed === undefined) return { cpu: sample.cpuPressure, memory: sample.memory };
  const weight = 1 - Math.exp(-gapMs(known, sample) / SMOOTHING_MS);
  const towards = (before: number, now: number): number => before + weight * (now - before);
  return {
    cpu: towards(known.smoothed.cpu, sample.cpuPressure),
    memory: towards(known.smoothed.memory, sample.memory),
  };
}

const gapMs = ({ at }: PlanLimit, { now }: PlanLimitSample): number => Math.min(LONGEST_GAP_MS, Math.max(0, now - at));

/** It is told when the limit moves and stays until the next move, so that the same limit is not explained anew each time. */
function findReason(
  known: string | undefined,
  to: 'fewer' | 'more' | undefined,
  limit: number,
  smoothed: { cpu: number; memory: number },
  settings: PlanLimitSettings,
): string | undefined {
  if (limit >= settings.max) return undefined;
  if (to === undefined) return known;
  const cause = to === 'more' ? 'there is room again, and the limit rises step by step' : causeOf(smoothed, settings);
  return `${limit} of ${settings.max} plans at once for now: ${cause}.`;
}

const causeOf = ({ cpu, memory }: { cpu: number; memory: number }, settings: PlanLimitSettings): string =>
  cpu >= settings.cpu.high
    ? `something waits for a processor ${percent(cpu)} of the time (too much from ${percent(settings.cpu.high)} on)`
    : `${percent(memory)} of the memory is in use (too much from ${percent(settings.memory.high)} on)`;

const percent = (share: number): string => `${Math.round(share * 100)} %`;
