export { attemptToken, type ControlPlane, createControlPlane } from './control-plane.ts';
export { createStateUpstream } from './state-upstream.ts';
