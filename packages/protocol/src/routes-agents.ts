import { z } from 'zod';
import { Agent, AgentCreate, AgentStatusAnswer, AgentTokenCreate, AgentUpdate, AgentWithToken, CommandChannelStatus, DeleteQuery, Heartbeat, HeartbeatAnswer, Pull, PullAnswer, Register, RegisterAnswer } from './agent.ts';
import { PageQuery, pageOf } from './common.ts';
import { PoolId, PoolTokenId } from './ids.ts';
import { Pool, PoolAddAgent, PoolCreate, PoolToken, PoolTokenCreate, PoolTokenCreated, PoolUpdate } from './pool.ts';
import { route } from './route.ts';
import { Task } from './task.ts';
import type { Permission } from './words.ts';

const user = <P extends Permission>(permission: P) => ({ who: 'user', permission }) as const;
/** `:id` takes the record's id or the agent's own `agent_id`. */
const agent = z.object({ id: z.string().min(1).max(128) });
const pool = z.object({ id: PoolId });
const poolToken = pool.extend({ token_id: PoolTokenId });

/** Agents, pools, registration, heartbeats and pulling work. */
export const agentRoutes = {
  listAgents: route({ method: 'GET', path: '/agents', tag: 'agents', summary: 'Agents', access: user('agent:read'), query: PageQuery.extend({ pool_id: PoolId.optional() }), answer: pageOf(Agent) }),
  createAgent: route({ method: 'POST', path: '/agents', tag: 'agents', summary: 'Add an agent; its token is shown once', access: user('agent:write'), body: AgentCreate, answer: AgentWithToken, status: 201 }),
  getAgent: route({ method: 'GET', path: '/agents/:id', tag: 'agents', summary: 'One agent', access: user('agent:read'), params: agent, answer: Agent }),
  updateAgent: route({ method: 'PUT', path: '/agents/:id', tag: 'agents', summary: 'Change an agent; fields not given stay', access: user('agent:write'), params: agent, body: AgentUpdate, answer: Agent }),
  deleteAgent: route({ method: 'DELETE', path: '/agents/:id', tag: 'agents', summary: 'Remove an agent; refused while it runs something unless forced', access: user('agent:write'), params: agent, query: DeleteQuery }),
  regenerateAgentToken: route({ method: 'POST', path: '/agents/:id/regenerate-token', tag: 'agents', summary: 'Make a new token; the old one stops working at once', access: user('agent:write'), params: agent, body: AgentTokenCreate, answer: AgentWithToken }),
  revokeAgentToken: route({ method: 'POST', path: '/agents/:id/revoke-token', tag: 'agents', summary: 'Revoke the token at once', access: user('agent:write'), params: agent, answer: Agent }),
  getAgentStatus: route({ method: 'GET', path: '/agents/:id/status', tag: 'agents', summary: 'Its status', access: user('agent:read'), params: agent, answer: AgentStatusAnswer }),
  listAgentTasks: route({ method: 'GET', path: '/agents/:id/tasks', tag: 'agents', summary: 'Tasks it ran or runs, newest first', access: user('agent:read'), params: agent, query: PageQuery, answer: pageOf(Task) }),
  getCommandChannel: route({ method: 'GET', path: '/agents/:id/cc-status', tag: 'agents', summary: 'Its command socket', access: user('agent:read'), params: agent, answer: CommandChannelStatus }),

  listPools: route({ method: 'GET', path: '/agent-pools', tag: 'pools', summary: 'Pools', access: user('pool:read'), query: PageQuery, answer: pageOf(Pool) }),
  createPool: route({ method: 'POST', path: '/agent-pools', tag: 'pools', summary: 'Add a pool', access: user('pool:write'), body: PoolCreate, answer: Pool, status: 201 }),
  getPool: route({ method: 'GET', path: '/agent-pools/:id', tag: 'pools', summary: 'One pool', access: user('pool:read'), params: pool, answer: Pool }),
  updatePool: route({ method: 'PUT', path: '/agent-pools/:id', tag: 'pools', summary: 'Change a pool; fields not given stay', access: user('pool:write'), params: pool, body: PoolUpdate, answer: Pool }),
  deletePool: route({ method: 'DELETE', path: '/agent-pools/:id', tag: 'pools', summary: 'Remove a pool; refused while agents or workspaces use it', access: user('pool:write'), params: pool }),
  addPoolAgent: route({ method: 'POST', path: '/agent-pools/:id/agents', tag: 'pools', summary: 'Move an agent into the pool', access: user('pool:write'), params: pool, body: PoolAddAgent, answer: Pool }),
  removePoolAgent: route({ method: 'DELETE', path: '/agent-pools/:id/agents/:agent_id', tag: 'pools', summary: 'Take an agent out of the pool', access: user('pool:write'), params: pool.extend({ agent_id: z.string().min(1).max(128) }) }),
  listPoolTokens: route({ method: 'GET', path: '/agent-pools/:id/tokens', tag: 'pools', summary: 'Registration tokens', access: user('pool:read'), params: pool, query: PageQuery, answer: pageOf(PoolToken) }),
  createPoolToken: route({ method: 'POST', path: '/agent-pools/:id/tokens', tag: 'pools', summary: 'Make a registration token; its text is shown once', access: user('pool:write'), params: pool, body: PoolTokenCreate, answer: PoolTokenCreated, status: 201 }),
  revokePoolToken: route({ method: 'DELETE', path: '/agent-pools/:id/tokens/:token_id', tag: 'pools', summary: 'Revoke a registration token', access: user('pool:write'), params: poolToken }),

  registerAgent: route({ method: 'POST', path: '/agents/register', tag: 'agent-side', summary: 'Sign an agent on with agt_… or apt_…; answers with a short-lived JWT', access: { who: 'registrant' }, body: Register, answer: RegisterAnswer }),
  heartbeat: route({ method: 'POST', path: '/agents/:id/heartbeat', tag: 'agent-side', summary: 'Heartbeat; the answer says what the server wants', access: { who: 'agent' }, params: agent, body: Heartbeat, answer: HeartbeatAnswer }),
  ping: route({ method: 'POST', path: '/agents/:id/ping', tag: 'agent-side', summary: 'The same as heartbeat', access: { who: 'agent' }, params: agent, body: Heartbeat, answer: HeartbeatAnswer }),
  pingByBody: route({ method: 'POST', path: '/ping', tag: 'agent-side', summary: 'Heartbeat with the agent named in the body', access: { who: 'agent' }, body: Heartbeat, answer: HeartbeatAnswer }),
  pullTask: route({ method: 'POST', path: '/tasks/pull', tag: 'agent-side', summary: 'Long poll for an offer; 204 when there is none', access: { who: 'agent' }, body: Pull, answer: PullAnswer }),
};
