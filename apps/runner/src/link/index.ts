export { type AgentSide, openAgentSide, type ServerAddress } from './agent-side.ts';
