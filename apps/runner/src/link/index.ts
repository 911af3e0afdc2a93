export { type AgentSide, openAgentSide } from './agent-side.ts';
