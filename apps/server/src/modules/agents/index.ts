export { createBuiltInAgent } from './built-in-agent.ts';
export { createCandidateReader } from './candidates.ts';
export { createAgentsModule } from './module.ts';
