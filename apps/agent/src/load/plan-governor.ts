import { type Clock, createLatch, type Logger } from '@groundcrew/kit';
import type { AgentConfiguration } from '../configuration/index.ts';
import { decidePlanLimit, type PlanLimitSettings, startPlanLimit } from '../decisions/index.ts';
import type { HostLoad } from './host-load.ts';
import type { LoadMeter } from './load-meter.ts';

export interface PlanGovernorDeps {
  meter: LoadMeter;
  /** What is in force now. */
  configuration: () => Pick<AgentConfiguration, 'adaptive' | 'resources'>;
  plansRunning: () => number;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
  /** Called when the limit has moved. */
  onMoved: () => void;
}

/** Between two looks at the load. */
const LOOK_EVERY_MS = 5_000;

/** Measures the load and lets the limit of plans follow it. */
export function createPlanGovernor(deps: PlanGovernorDeps) {
  const { meter, clock, logger, signal } = deps;
  const latch = createLatch();
  let load: HostLoad = meter.look();
  let plan = startPlanLimit(settingsOf(deps.configuration()).max, clock.now());

  function measure(): void {
    load = meter.look();
    const sample = { now: clock.now(), ...load, plansRunning: deps.plansRunning() };
    const before = plan;
    plan = decidePlanLimit(plan, sample, settingsOf(deps.configuration()));
    if (plan.limit === before.limit) return;
    const told = { limit: plan.limit, before: before.limit, cpu_pressure: load.cpuPressure, memory: load.memory };
    logger.info(told, plan.reason ?? 'the limit of plans is what the configuration says');
    deps.onMoved();
  }

  return {
    /** The load as last looked at. */
    load: (): HostLoad => load,
    /** The limit of plans, and why it is lower than configured if it is. */
    limit: (): { limit: number; reason: string | undefined } => plan,
    /** The configuration has changed: what follows from it is decided at once. */
    reconsider: (): void => latch.wake(),
    /** Looks every few seconds, until the signal aborts. */
    async keepMeasuring(): Promise<void> {
      for (;;) {
        await latch.next(LOOK_EVERY_MS, signal);
        if (signal.aborted) return;
        measure();
      }
    },
  };
}
export type PlanGovernor = ReturnType<typeof createPlanGovernor>;

const settingsOf = ({
  adaptive,
  resources,
}: Pick<AgentConfiguration, 'adaptive' | 'resources'>): PlanLimitSettings => ({
  enabled: adaptive.enabled,
  max: resources.max_concurrent_jobs,
  cpu: { high: adaptive.cpu_high, low: adaptive.cpu_low },
  memory: { high: adaptive.memory_high, low: adaptive.memory_low },
  sustainMs: adaptive.sustain,
});
