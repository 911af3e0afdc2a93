import { mkdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { readFileIfExists, writeFileDurably } from '@groundcrew/kit';
import { CliError } from '../cli-error.ts';
import type { Io } from '../terminal/io.ts';

/** Where somebody is signed in. Kept in a file that only its owner may read. */
export interface Profile {
  url: string;
  token: string;
  /** The token's record, when this command made it and so may revoke it. */
  token_id?: string;
  user?: string;
  ca_file?: string;
  allow_insecure?: boolean;
  /** Of `up`: the sample has been set up and applied, and is not set up again. */
  sample_done?: boolean;
}

/** A person's own profile, made by `login`. */
export const userProfilePath = ({ env }: Pick<Io, 'env'>): string =>
  join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'groundcrew', 'profile.json');

/** Where `up` keeps everything: `GROUNDCREW_HOME`, else `.groundcrew` in the working folder. */
export const homeFolder = ({ env, cwd }: Pick<Io, 'env' | 'cwd'>): string =>
  env.GROUNDCREW_HOME || join(cwd, '.groundcrew');

/** The profile that `up` makes. */
export const homeProfilePath = (io: Pick<Io, 'env' | 'cwd'>): string => join(homeFolder(io), 'cli.json');

/** The profile, or undefined when there is no such file. */
export async function readProfile(path: string): Promise<Profile | undefined> {
  const bytes = await readFileIfExists(path);
  if (bytes === undefined) return undefined;
  const profile = parseProfile(bytes.toString('utf8'));
  if (profile === undefined)
    throw new CliError(`The profile ${path} is damaged. Remove it and sign in again.`, { code: 'profile' });
  return profile;
}

/**
 * The same for a profile in the working folder. Such a file could come with somebody else's repository and send our
 * configuration to their server: it counts only if it is ours and nobody else can read it, which no checkout makes.
 */
export async function readPrivateProfile(path: string): Promise<Profile | undefined> {
  const info = await stat(path).catch(() => undefined);
  const isOurs =
    info?.isFile() && (info.mode & 0o077) === 0 && (process.getuid === undefined || info.uid === process.getuid());
  return isOurs ? readProfile(path) : undefined;
}

export async function writeProfile(path: string, profile: Profile): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileDurably(path, `${JSON.stringify(profile, null, 2)}\n`, 0o600);
}

export const removeProfile = (path: string): Promise<void> => rm(path, { force: true });

function parseProfile(text: string): Profile | undefined {
  try {
    const value = JSON.parse(text) as Partial<Profile> | null;
    return typeof value?.url === 'string' && typeof value.token === 'string' ? (value as Profile) : undefined;
  } catch {
    return undefined;
  }
}
