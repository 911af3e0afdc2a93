import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { run } from '@groundcrew/kit';

/**
 * As whom PostgreSQL's programs run.
 * - `self`: as we do.
 * - `namespace`: as we do, but seen from inside as another user. PostgreSQL refuses uid 0, and `initdb` a uid without a name.
 * - `user`: as another user, who then owns the data.
 *
 * @internal for tests
 */
export type RunAs =
  | { kind: 'self' }
  | { kind: 'namespace'; uid: number; gid: number }
  | { kind: 'user'; uid: number; gid: number };

/** How to start one of PostgreSQL's programs. */
export interface Runner {
  as: RunAs;
  /** For `spawn`: the user to change to, if any. */
  user: { uid: number; gid: number } | Record<string, never>;
  /** The command line that makes a program run as that and, on Linux, get a signal when we die. */
  command(program: string, args: readonly string[], deathSignal: DeathSignal): [string, ...string[]];
}

/** INT lets PostgreSQL shut down by itself; KILL is for what must not go on alone. */
type DeathSignal = 'INT' | 'KILL';

/** @internal for tests */
export interface RunAsProbe {
  platform: NodeJS.Platform;
  /** Our own user id; undefined where there are none. */
  uid: number | undefined;
  /** Whether our uid has a name (`/etc/passwd`). */
  named: boolean;
  /** Who owns the data folder, if there is one already. */
  dataOwner: { uid: number; gid: number } | undefined;
  /** Users by name, for one to turn into. */
  users: ReadonlyMap<string, { uid: number; gid: number }>;
}

/**
 * Who could run it, the best first. Pure; {@link findRunner} tries them.
 *
 * @internal for tests
 */
export function listCandidates({ platform, uid, named, dataOwner, users }: RunAsProbe): RunAs[] {
  if (uid !== 0 && named) return [{ kind: 'self' }];
  const other = users.get('postgres') ?? users.get('nobody');
  const asOther: RunAs[] = other === undefined ? [] : [{ kind: 'user', ...other }];
  // Data that belongs to somebody stays theirs, also when root starts the server for once.
  if (uid === 0 && dataOwner !== undefined && dataOwner.uid !== 0) return [{ kind: 'user', ...dataOwner }];
  const namespace: RunAs[] = platform === 'linux' && other !== undefined ? [{ kind: 'namespace', ...other }] : [];
  return uid === 0 ? [...namespace, ...asOther] : namespace;
}

/**
 * What to put before a program, so that it runs as that and gets a signal when we die. Without the signal PostgreSQL outlives
 * us when we are killed, and the next start stops it.
 *
 * @internal for tests
 */
export function prefixOf(as: RunAs, platform: NodeJS.Platform, deathSignal: DeathSignal | undefined): string[] {
  if (platform !== 'linux') return [];
  const namespace =
    as.kind === 'namespace' ? ['unshare', '--user', `--map-user=${as.uid}`, `--map-group=${as.gid}`, '--'] : [];
  // Innermost, because the kernel forgets the death signal when a process changes its user.
  return [...namespace, ...(deathSignal === undefined ? [] : ['setpriv', '--pdeathsig', deathSignal, '--'])];
}

/** @param mortal whether the system has a `setpriv` that knows death signals; small containers have none */
function createRunner(as: RunAs, platform: NodeJS.Platform, mortal: boolean): Runner {
  return {
    as,
    user: as.kind === 'user' ? { uid: as.uid, gid: as.gid } : {},
    command: (program, args, deathSignal) =>
      [...prefixOf(as, platform, mortal ? deathSignal : undefined), program, ...args] as [string, ...string[]],
  };
}

/** Finds a way to run PostgreSQL's programs that this system allows, or says in a sentence that there is none. */
export async function findRunner(dataFolder: string): Promise<Runner> {
  const probe = await lookAround(dataFolder);
  for (const as of listCandidates(probe)) {
    for (const mortal of [true, false]) {
      const runner = createRunner(as, probe.platform, mortal);
      if (await works(runner)) return runner;
    }
  }
  throw new Error(explain(probe));
}

async function works({ command, user }: Runner): Promise<boolean> {
  const result = await run(command('true', [], 'KILL'), { env: { PATH: process.env.PATH }, ...user }).catch(
    () => undefined,
  );
  return result?.code === 0;
}

async function lookAround(dataFolder: string): Promise<RunAsProbe> {
  const owner = await stat(dataFolder).catch(() => undefined);
  return {
    platform: process.platform,
    uid: process.getuid?.(),
    named: hasName(),
    dataOwner: owner && { uid: owner.uid, gid: owner.gid },
    users: parsePasswd(await readFile('/etc/passwd', 'utf8').catch(() => '')),
  };
}

function hasName(): boolean {
  try {
    return userInfo().username !== '';
  } catch {
    return false;
  }
}

/**
 * Users of `/etc/passwd` except root.
 *
 * @internal for tests
 */
export function parsePasswd(text: string): Map<string, { uid: number; gid: number }> {
  const rows = text.split('\n').map((line) => line.split(':'));
  return new Map(
    rows
      .filter((row) => row.length >= 7 && Number(row[2]) > 0)
      .map(([name = '', , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  );
}

const explain = ({ platform, uid }: RunAsProbe): string => {
  const who =
    uid === 0
      ? 'PostgreSQL refuses to run as root'
      : `PostgreSQL cannot be set up by user ${uid}, who has no name in /etc/passwd`;
  const why =
    platform === 'linux'
      ? 'this system allows neither a user namespace (unshare) nor another user (setpriv) for it'
      : 'there is no other user here to run it as';
  return `${who}, and ${why}. Start Groundcrew as an ordinary user, or set DATABASE_URL to a PostgreSQL 15 or newer.`;
};
