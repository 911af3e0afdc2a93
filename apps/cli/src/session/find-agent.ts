import { ApiError, type Client } from '@groundcrew/client';
import type { Agent } from '@groundcrew/protocol';
import { collectPages } from './pages.ts';

const ALL = 10_000;

/** An agent by its id, the id it chose for itself, or the name that people see. @throws ApiError when there is none */
export async function findAgent(client: Client, id: string): Promise<Agent> {
  try {
    return await client.call('getAgent', { params: { id } });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'not_found') throw error;
    const agents = await collectPages(ALL, (query) => client.call('listAgents', { query }));
    const named = agents.find(({ name }) => name === id);
    if (named === undefined) throw error;
    return named;
  }
}
