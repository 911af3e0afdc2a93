export { attemptToken, type ControlPlane, createControlPlane, type PlanBundle } from './control-plane.ts';
export { createStateUpstream } from './state-upstream.ts';
