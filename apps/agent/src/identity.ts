import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { newId, readFileIfExists, tryLockFile, writeFileDurably } from '@groundcrew/kit';

export interface Identity {
  agentId: string;
  machineId: string;
  bootId: string;
  /** The work folder itself: a copy of it is another one. */
  folderId: string;
  /** Rises with every start of the agent. */
  instance: number;
}

const LOCK_WAIT_MS = 5_000;

/** Who this agent is: chosen at its first start and kept in the work folder, so that it is the same agent after every restart. */
export async function readIdentity(workDir: string, given: string | undefined): Promise<Identity> {
  const path = join(workDir, 'identity.json');
  // A newer instance may start beside this one; no two may get the same number.
  const lock = await tryLockFile(join(workDir, 'identity.lock'), LOCK_WAIT_MS);
  const next = async () => {
    const known = parse((await readFileIfExists(path))?.toString());
    const agentId = given ?? known.agentId ?? `${cleanHostname()}-${newId('').slice(1, 9)}`;
    const instance = (known.instance ?? 0) + 1;
    await writeFileDurably(path, `${JSON.stringify({ agentId, instance })}\n`, 0o600);
    return { agentId, instance };
  };
  return {
    ...(await next().finally(() => lock?.release())),
    machineId: await readWord('/etc/machine-id'),
    folderId: String((await stat(workDir)).ino),
    bootId: await readWord('/proc/sys/kernel/random/boot_id'),
  };
}

function parse(text: string | undefined): { agentId?: string; instance?: number } {
  try {
    return text === undefined ? {} : JSON.parse(text);
  } catch {
    return {};
  }
}

const cleanHostname = (): string =>
  hostname()
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 100) || 'agent';

/** Empty where the platform has no such file. */
const readWord = async (path: string): Promise<string> =>
  (await readFile(path, 'utf8').catch(() => '')).trim().slice(0, 128);
