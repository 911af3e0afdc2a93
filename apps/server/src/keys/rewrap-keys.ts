import { statSync } from 'node:fs';
import { addMasterKey, keepOnly } from '../platform/encryption/index.ts';
import type { OpenKeys } from './open-keys.ts';
import type { Talk } from './talk.ts';

interface RewrapOptions {
  /** Puts a new master key before those in the home first. */
  addNew: boolean;
  /** Takes the others out of the home afterwards. */
  forgetOld: boolean;
  /** Whether the master keys are the server's own, in its home, and not given by an operator. */
  inHome: boolean;
}

/**
 * Wraps all data keys with the first master key. Cut off at any point it has lost nothing: until the end the old master keys
 * stay where they are, and the same command without --new goes on.
 */
export async function rewrapKeys(open: OpenKeys, talk: Talk, options: RewrapOptions): Promise<void> {
  const { addNew, forgetOld, inHome } = options;
  const { masterKeys, keeper } = open;
  if ((addNew || forgetOld) && !inHome) throw new Error(notOurs(masterKeys.source));
  if (addNew || forgetOld) refuseForeigner(masterKeys.source);
  if (addNew) {
    await addMasterKey(masterKeys.source);
    talk.progress(`Added a master key to ${masterKeys.source}, before the old ones.`);
  }
  const { fingerprint, dataKeys, secrets } = await keeper.rewrap();
  if (forgetOld) await keepOnly(masterKeys.source, fingerprint);
  const old = (await masterKeys.read()).map((key) => key.fingerprint).filter((each) => each !== fingerprint);
  const answer = { master_key: fingerprint, rewrapped: dataKeys + secrets, old_master_keys: old };
  talk.result(answer, ({ rewrapped }) =>
    [
      `The master key ${fingerprint.slice(0, 12)} wraps everything now; ${rewrapped} keys were wrapped anew.`,
      ...(old.length === 0 ? [] : [sayOld(old, masterKeys.source)]),
    ].join('\n'),
  );
}

const sayOld = (old: readonly string[], source: string): string =>
  `Nothing needs ${old.map((each) => each.slice(0, 12)).join(', ')} any more but backups from before. Take ${old.length === 1 ? 'it' : 'them'} out of ${source}, and keep ${old.length === 1 ? 'it' : 'them'} as long as those backups.`;

const notOurs = (source: string): string =>
  `The master key comes from ${source}, which is yours to change: put a new one (openssl rand -base64 32) before the old one in the file or variable of every server, then run this without --new and --forget-old.`;

/** A file made anew belongs to whoever makes it, and the server could not read it at its next start. */
function refuseForeigner(file: string): void {
  const { uid } = statSync(file);
  if (process.getuid !== undefined && process.getuid() !== uid)
    throw new Error(`${file} belongs to another user (${uid}). Run this as that user, who runs the server.`);
}
