export type { HostLoad } from './host-load.ts';
export { createLoadMeter } from './load-meter.ts';
export { createOwnUsage, type OwnUsage } from './own-usage.ts';
export { createPlanGovernor, type PlanGovernor } from './plan-governor.ts';
