export { type AgentSide, type AgentSideOptions, openAgentSide } from './agent-side.ts';
