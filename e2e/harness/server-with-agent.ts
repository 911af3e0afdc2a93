import type { Pool } from '@groundcrew/protocol';
import { type AgentOptions, createPool, type RunningAgent } from './agent.ts';
import type { Lab } from './lab.ts';
import type { RunningServer } from './server.ts';

/** A server, a pool of it, and one agent in the pool: what most tests of tasks begin with. */
export async function startServerWithAgent(
  lab: Lab,
  options: Omit<AgentOptions, 'server' | 'token'> = {},
): Promise<{ server: RunningServer; pool: Pool; agent: RunningAgent }> {
  const server = await lab.startServer();
  const { pool, token } = await createPool(server);
  return { server, pool, agent: await lab.startAgent({ server, token, ...options }) };
}
