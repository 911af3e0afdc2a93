import { CliError } from '../cli-error.ts';
import type { Profile } from './profile.ts';

/** What was said on the command line about the server. */
export interface ServerFlags {
  url?: string;
  caFile?: string;
  allowInsecure?: boolean;
}

/** The server to talk to, as whom, and who said so. */
export interface Target {
  url: string;
  token: string;
  caFile?: string;
  allowInsecure: boolean;
  /** For people: where this comes from. */
  source: string;
}

export interface TargetSources {
  flags: ServerFlags;
  env: NodeJS.ProcessEnv;
  /** Profiles by where they are kept, the one that counts first. */
  profiles: readonly (readonly [path: string, profile: Profile | undefined])[];
  commandName: string;
}

/**
 * Flags over environment over profiles. A token is only ever sent to the server it belongs to: naming another address does not
 * take a profile's token there.
 */
export function findTarget({ flags, env, profiles, commandName }: TargetSources): Target {
  const found = profiles.find(([, profile]) => profile !== undefined);
  const profile = found?.[1];
  const url = flags.url ?? (env.GROUNDCREW_URL || undefined) ?? profile?.url;
  if (url === undefined) throw notSignedIn(commandName);
  const belonging = profiles.find(([, candidate]) => candidate !== undefined && isSameServer(candidate.url, url))?.[1];
  const token = env.GROUNDCREW_TOKEN || belonging?.token;
  if (token === undefined)
    throw new CliError(`You are not signed in to ${url}. Type: ${commandName} login ${url}`, { code: 'not_signed_in' });
  const caFile = flags.caFile ?? (env.GROUNDCREW_CA_FILE || undefined) ?? belonging?.ca_file;
  return {
    url,
    token,
    ...(caFile === undefined ? {} : { caFile }),
    allowInsecure: flags.allowInsecure ?? belonging?.allow_insecure ?? false,
    source: sourceOf(flags, env, found?.[0]),
  };
}

function sourceOf(flags: ServerFlags, env: NodeJS.ProcessEnv, path: string | undefined): string {
  if (flags.url !== undefined) return '--url';
  return env.GROUNDCREW_URL ? 'GROUNDCREW_URL' : (path ?? '');
}

const isSameServer = (a: string, b: string): boolean => a.replace(/\/+$/, '') === b.replace(/\/+$/, '');

const notSignedIn = (commandName: string): CliError =>
  new CliError(
    `You are not signed in. Type "${commandName} login <url>" or set GROUNDCREW_URL and GROUNDCREW_TOKEN; "${commandName} up" starts a server here.`,
    { code: 'not_signed_in' },
  );
