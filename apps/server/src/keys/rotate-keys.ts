import { setTimeout as sleep } from 'node:timers/promises';
import type { OrganizationId } from '@groundcrew/protocol';
import { CURRENT_HELD_MS, type Resealed } from '../platform/encryption/index.ts';
import type { OpenKeys } from './open-keys.ts';
import type { Talk } from './talk.ts';

interface RotateOptions {
  /** Id or name; every organisation when not given. */
  organization: string | undefined;
  /** Whether to seal everything anew before it ends, or to leave that to the servers. */
  wait: boolean;
}

/**
 * Makes new data keys, then seals with them what the old ones have sealed. Cut off at any point it has lost nothing: a server
 * goes on with it by itself, and so does the same command given again, which makes new keys once more.
 */
export async function rotateKeys(open: OpenKeys, talk: Talk, { organization, wait }: RotateOptions): Promise<void> {
  const data_keys = await open.keeper.rotate(await findOrganizations(open, organization));
  talk.progress(`Made ${data_keys.length} data ${data_keys.length === 1 ? 'key' : 'keys'}.`);
  if (!wait) {
    talk.result({ data_keys, resealed: null }, () => 'The servers seal everything with the new keys by themselves.');
    return;
  }
  const resealed = await resealAll(open, talk);
  talk.result({ data_keys, resealed }, formatResealed);
}

async function findOrganizations({ db }: OpenKeys, wanted: string | undefined): Promise<OrganizationId[]> {
  const rows = await db.selectFrom('organizations').select(['id', 'name']).orderBy('name').execute();
  const found = rows.filter(({ id, name }) => wanted === undefined || wanted === id || wanted === name);
  if (found.length === 0 && wanted !== undefined) throw new Error(`There is no organisation ${wanted}.`);
  return found.map(({ id }) => id as OrganizationId);
}

/** Until nothing is left that was sealed before every server had taken the new key. */
async function resealAll({ keeper }: OpenKeys, talk: Talk): Promise<Resealed> {
  const onProgress = ({ column, done, total }: { column: string; done: number; total: number }): void =>
    talk.progress(`${column}: ${done} of ${total}`);
  const first = await keeper.reseal({ onProgress });
  await sleep(CURRENT_HELD_MS);
  const last = await keeper.reseal({ onProgress });
  return { ...last, done: first.done + last.done };
}

function formatResealed({ resealed: { done, left, unopened } }: { resealed: Resealed }): string {
  const lines = [`Sealed ${done} values with the new keys; ${left} are left.`];
  if (left > unopened.length) lines.push('Somebody was changing those that are left; the servers go on with them.');
  for (const { column, row, reason } of unopened) lines.push(`${column} of ${row} stays as it is: ${reason}`);
  return lines.join('\n');
}
