import type { Client } from '@groundcrew/client';
import { type Pool, PoolId } from '@groundcrew/protocol';
import { CliError } from '../cli-error.ts';
import { collectPages } from './pages.ts';

const ALL = 1_000;

/** A pool by its name or id. @throws CliError when there is none */
export async function findPool(client: Client, nameOrId: string): Promise<Pool> {
  const id = PoolId.safeParse(nameOrId);
  if (id.success) return client.call('getPool', { params: { id: id.data } });
  const pools = await listPools(client);
  const found = pools.find((pool) => pool.name === nameOrId);
  if (found !== undefined) return found;
  const names = pools.map((pool) => pool.name).join(', ');
  throw new CliError(`There is no pool "${nameOrId}". There are: ${names || 'none'}.`, { code: 'not_found' });
}

export const listPools = (client: Client): Promise<Pool[]> =>
  collectPages(ALL, (query) => client.call('listPools', { query }));
