import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@groundcrew/client';
import { readFileIfExists } from '@groundcrew/kit';
import type { Cli } from '../cli.ts';
import { type Profile, readProfile, writeProfile } from '../session/profile.ts';
import { tradeToken } from '../session/sign-in.ts';
import type { ServerProcess } from './server-process.ts';

/** Where things are in the folder of `up`. */
export const homePaths = (home: string) => ({
  profile: join(home, 'cli.json'),
  serverLog: join(home, 'logs', 'server.log'),
  /** Written by the running server. */
  serverFile: join(home, 'server.json'),
});

export const makeHome = async (home: string): Promise<void> => {
  await mkdir(home, { recursive: true, mode: 0o700 });
};

/** A server that already runs on this folder, as it has written down itself. */
export interface RunningServer {
  url: string;
  pid: number;
}

/** The server that already runs on this folder, if it answers. */
export async function findRunning(cli: Cli, home: string): Promise<RunningServer | undefined> {
  const running = parseServerFile((await readFileIfExists(homePaths(home).serverFile))?.toString('utf8'));
  if (running === undefined) return undefined;
  const client = cli.clientOf({ url: running.url, allowInsecure: false });
  try {
    await client.call('getInfo', {}, { retry: 'never', timeoutMs: 1_000 });
    return running;
  } catch {
    return undefined;
  } finally {
    client.close();
  }
}

function parseServerFile(text: string | undefined): RunningServer | undefined {
  try {
    const { url, pid } = JSON.parse(text ?? '') as Partial<RunningServer>;
    return url === undefined || pid === undefined ? undefined : { url, pid };
  } catch {
    return undefined;
  }
}

/** A client that is signed in, and the profile it is signed in with. */
export interface SignedIn {
  client: Client;
  profile: Profile;
}

/**
 * Signs in to our own server: with the profile of an earlier start, or with the one-time token that the server gives. The profile is
 * kept before its token is first used, since the server hands out sign-in tokens only until then.
 */
export async function signInLocally(cli: Cli, home: string, server: ServerProcess): Promise<SignedIn> {
  const path = homePaths(home).profile;
  const known = await readProfile(path);
  const clientOf = (token?: string) => cli.clientOf({ url: server.url, allowInsecure: false, ...(token && { token }) });
  if (server.signInToken === undefined && known !== undefined) {
    const profile = { ...known, url: server.url };
    if (known.url !== server.url) await writeProfile(path, profile);
    return { client: clientOf(known.token), profile };
  }
  const { token, id } = await tradeToken(server.signInToken ?? '', clientOf());
  const profile: Profile = { ...known, url: server.url, token, token_id: id };
  await writeProfile(path, profile);
  return { client: clientOf(token), profile };
}
