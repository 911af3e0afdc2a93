export { attemptToken, type ControlPlane, createControlPlane } from './control-plane.ts';
export { createMovingClient } from './moving-client.ts';
export { createStateUpstream } from './state-upstream.ts';
