export { createBuiltInAgent } from './built-in-agent.ts';
export { createAgentsModule } from './module.ts';
