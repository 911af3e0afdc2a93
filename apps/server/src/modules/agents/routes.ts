import type { Heartbeat, Task } from '@groundcrew/protocol';
import { type AgentCaller, AppError, type Handlers, noContent, type UserCaller } from '../../platform/http/index.ts';
import { isConnected } from './agent.ts';
import type { Heartbeats } from './heartbeat.ts';
import { livenessOf } from './present.ts';
import type { AgentsService } from './service.ts';
import type { SignOn } from './sign-on.ts';

export interface AgentRoutesDeps {
  agents: AgentsService;
  signOn: SignOn;
  heartbeats: Heartbeats;
  listTasks: (
    caller: UserCaller,
    query: { agentId: string; limit: number; cursor?: string | undefined },
  ) => Promise<{ items: Task[]; next_cursor: string | null }>;
}

export function createAgentHandlers({ agents, signOn, heartbeats, listTasks }: AgentRoutesDeps) {
  /** The agent named in path or body must be the one whose credential came with the call. */
  const beat = (caller: AgentCaller, id: string, body: Heartbeat) => {
    const foreign = [id, body.agent_id].find((named) => ![caller.agentId, caller.agentName].includes(named));
    if (foreign !== undefined)
      throw new AppError(
        'forbidden',
        `This credential belongs to agent ${caller.agentName ?? caller.agentId}, not to ${foreign}.`,
      );
    return heartbeats.take(caller.agentId, body);
  };

  return {
    listAgents: ({ caller, query }) => agents.list(caller, query),
    createAgent: ({ caller, body }) => agents.create(caller, body),
    getAgent: ({ caller, params }) => agents.get(caller, params.id),
    updateAgent: ({ caller, params, body }) => agents.update(caller, params.id, body),
    deleteAgent: ({ caller, params, query }) => agents.remove(caller, params.id, query.force === 'true'),
    regenerateAgentToken: ({ caller, params, body }) => agents.regenerateToken(caller, params.id, body),
    revokeAgentToken: ({ caller, params }) => agents.revokeToken(caller, params.id),
    getAgentStatus: async ({ caller, params }) => {
      const { id, agent_id, status, last_heartbeat_at, connected, draining, running_attempts } = await agents.get(
        caller,
        params.id,
      );
      return { id, agent_id, status, last_heartbeat_at, connected, draining, running_attempts };
    },
    listAgentTasks: async ({ caller, params, query }) =>
      listTasks(caller, { ...query, agentId: (await agents.find(caller, params.id)).id }),
    getCommandChannel: async ({ caller, params }) => {
      const row = await agents.find(caller, params.id);
      const connected = isConnected(livenessOf(row), row.now.getTime());
      return {
        connected,
        since: connected ? (row.connected_since?.toISOString() ?? null) : null,
        last_message_at: row.last_message_at?.toISOString() ?? null,
        replica: connected ? row.connected_replica : null,
        unsent: await agents.countUnsent(row.id),
      };
    },
    registerAgent: ({ caller, body }) => signOn.register(caller, body),
    heartbeat: ({ caller, params, body }) => beat(caller, params.id, body),
    ping: ({ caller, params, body }) => beat(caller, params.id, body),
    pingByBody: ({ caller, body }) => beat(caller, body.agent_id, body),
    pullTask: async ({ caller, body }) => (await agents.pull(caller, body)) ?? noContent(),
  } satisfies Partial<Handlers>;
}
