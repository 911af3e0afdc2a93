import type { Client } from '@groundcrew/client';
import type { StateVersion } from '@groundcrew/protocol';
import { CliError } from '../cli-error.ts';
import { collectPages } from './pages.ts';

const ALL = 100_000;

/** A state version by its number, or the current one. @throws CliError when there is none */
export async function findStateVersion(
  client: Client,
  workspace: string,
  number: number | undefined,
): Promise<StateVersion> {
  const versions = await collectPages(ALL, (query) =>
    client.call('listStateVersions', { params: { workspace_id: workspace }, query }),
  );
  const found = versions.find(({ version, standing }) =>
    number === undefined ? standing === 'current' : version === number,
  );
  if (found !== undefined) return found;
  const what = number === undefined ? 'no state yet' : `no state version ${number}`;
  throw new CliError(`Workspace ${workspace} has ${what}.`, { code: 'not_found' });
}
