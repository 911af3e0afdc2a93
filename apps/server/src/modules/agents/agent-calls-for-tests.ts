import type { LiveServer, TestAgent } from '../tasks/live-server-for-tests.ts';

/** An agent signs on with a token of its own or of a pool; it may be refused. */
export const register = (server: LiveServer, token: string, agentId: string, given: Record<string, unknown> = {}) =>
  server.call('registerAgent', token, {
    body: { name: agentId, agent_id: agentId, machine_id: 'm1', boot_id: 'b1', ...given },
  });

/** A heartbeat over HTTP; it may be refused. */
export const beat = (
  server: LiveServer,
  { token, agentId }: Pick<TestAgent, 'token' | 'agentId'>,
  given: Record<string, unknown> = {},
) => server.call('heartbeat', token, { params: { id: agentId }, body: { agent_id: agentId, ...given } });
