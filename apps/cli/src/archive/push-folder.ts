import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ApiError, type Client } from '@groundcrew/client';
import { formatBytes } from '@groundcrew/kit';
import type { Configuration } from '@groundcrew/protocol';
import type { Cli } from '../cli.ts';
import { CliError } from '../cli-error.ts';
import { createStatusLine } from '../terminal/status-line.ts';
import { readIgnoreRules } from './ignore-rules.ts';
import { type FolderList, listFolder } from './list-folder.ts';
import { type PackedFolder, packFolder } from './pack-folder.ts';

export interface PushOptions {
  workspace: string;
  /** Relative to the working folder. */
  dir: string;
  message?: string;
  /** Say nothing about it. */
  quiet?: boolean;
}

/** Packs a folder, checks it, and stores it as the workspace's newest configuration; tells how large it is. */
export async function pushFolder(
  cli: Cli,
  client: Client,
  { workspace, dir, message, quiet = false }: PushOptions,
): Promise<Configuration> {
  const folder = resolve(cli.io.cwd, dir);
  const list = await listOrSay(folder, dir);
  tellLeftOut(cli, list);
  const { configuration, packedSize } = await send(cli, client, { folder, list, workspace, message });
  const count = list.entries.filter((entry) => entry.type === 'file').length;
  if (!quiet)
    cli.note(
      `Pushed ${dir} to ${workspace}: ${count} files, ${formatBytes(list.bytes)}, ${formatBytes(packedSize)} packed.`,
    );
  return configuration;
}

interface Sending {
  folder: string;
  list: FolderList;
  workspace: string;
  message: string | undefined;
}

async function send(cli: Cli, client: Client, { folder, list, workspace, message }: Sending) {
  const status = createStatusLine(cli.io);
  try {
    status.set(() => `packing ${list.entries.length} files and folders`);
    const packed = await packFolder(folder, list);
    status.set(() => `sending ${formatBytes(packed.size)}`);
    const configuration = await upload(client, workspace, packed, message).finally(packed.remove);
    return { configuration, packedSize: packed.size };
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'not_found') throw error;
    const create = `${cli.name} workspace create ${workspace}`;
    throw new CliError(`There is no workspace "${workspace}". Create it with: ${create}`, { code: 'not_found' });
  } finally {
    status.close();
  }
}

const upload = (
  client: Client,
  workspace: string,
  packed: PackedFolder,
  message: string | undefined,
): Promise<Configuration> =>
  client.call(
    'uploadConfiguration',
    {
      params: { workspace_id: workspace },
      query: message === undefined ? {} : { message },
      headers: { 'x-content-sha256': packed.checksum },
      raw: { open: packed.open, size: packed.size },
    },
    { headers: { 'content-type': 'application/gzip' } },
  );

async function listOrSay(folder: string, shown: string): Promise<FolderList> {
  const info = await stat(folder).catch(() => undefined);
  if (!info?.isDirectory()) throw new CliError(`There is no folder "${shown}" (${folder}).`, { code: 'file' });
  const list = await listFolder(folder, await readIgnoreRules(folder));
  if (list.entries.some(({ name }) => /\.(tf|tofu)(\.json)?$/.test(name))) return list;
  throw new CliError(`The folder "${shown}" holds no .tf file, so there is nothing to plan. Is it the right one?`, {
    code: 'invalid_archive',
  });
}

function tellLeftOut(cli: Cli, { leftOut }: FolderList): void {
  if (leftOut.length === 0) return;
  const state = leftOut.find((name) => /\.tfstate$/.test(name));
  const hint =
    state === undefined
      ? ''
      : ` To make a state file the workspace's state: ${cli.name} state push <workspace> ${state}`;
  cli.note(
    `Left out: ${leftOut.slice(0, 5).join(', ')}${leftOut.length > 5 ? ` and ${leftOut.length - 5} more` : ''}; the server keeps the state.${hint}`,
  );
}
