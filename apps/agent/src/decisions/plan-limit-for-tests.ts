import { decidePlanLimit, type PlanLimit, type PlanLimitSample, type PlanLimitSettings } from './decide-plan-limit.ts';

export const MINUTE_MS = 60_000;

export const SETTINGS: PlanLimitSettings = {
  enabled: true,
  max: 3,
  cpu: { high: 0.9, low: 0.6 },
  memory: { high: 0.92, low: 0.85 },
  sustainMs: MINUTE_MS,
};

/** Every state while a load stays the same for so long, looked at every five seconds. */
export function runFor(
  from: PlanLimit,
  forMs: number,
  load: Omit<PlanLimitSample, 'now'>,
  settings: PlanLimitSettings = SETTINGS,
): PlanLimit[] {
  const states: PlanLimit[] = [];
  for (let at = 5_000; at <= forMs; at += 5_000)
    states.push(decidePlanLimit(states.at(-1) ?? from, { ...load, now: from.at + at }, settings));
  return states;
}
