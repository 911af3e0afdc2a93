export { statusOf } from './agent.ts';
export { type BuiltInAgent, createBuiltInAgent } from './built-in-agent.ts';
export { agentChannel } from './control-socket.ts';
export { type AgentsModuleDeps, createAgentsModule } from './module.ts';
