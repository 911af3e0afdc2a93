export { type Liveness, OFFLINE_AFTER_MS, statusOf } from './agent.ts';
export { createBuiltInAgent } from './built-in-agent.ts';
export { createCandidateReader } from './candidates.ts';
export { createAgentsModule } from './module.ts';
export { hasLeft } from './present.ts';
