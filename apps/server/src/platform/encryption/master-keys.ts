import { randomBytes } from 'node:crypto';
import { createExclusively, readFileIfExists, writeFileDurably } from '@groundcrew/kit';
import { KEY_BYTES } from './aead.ts';
import { EncryptionError } from './encryption-error.ts';
import { createMasterKey, type MasterKey } from './master-key.ts';

/**
 * The master keys at hand. The first is the one that an operator wants to be used; those behind it are only read with, until
 * nothing is wrapped by them any more. Which one wraps is the database's to say (`current-master-key.ts`), so that replicas
 * may get a new one in any order.
 */
export interface MasterKeys {
  /** Where they come from, for people: a variable's name or a path. */
  readonly source: string;
  /** At least one, as they stand there now. Errors: `bad_master_key`, and whatever reading them throws. */
  read(): Promise<readonly [MasterKey, ...MasterKey[]]>;
  /** One of them; looks there again when it is none of those that were there before. */
  find(fingerprint: string): Promise<MasterKey | undefined>;
  /** All that were there when they were last read. */
  list(): readonly MasterKey[];
}

interface MasterKeyPlaces {
  /** `GROUNDCREW_MASTER_KEY`, from the environment or the file it names: read again whenever a key is missing. */
  readValue: () => string | undefined;
  /** Where they are kept when none are given; the first is made at the first start. */
  homeFile: string;
}

const GIVEN = 'GROUNDCREW_MASTER_KEY';

/**
 * Finds the master keys; given ones count before those in the home. A new one is on disk before it is used, and of several
 * that start at once all get the same. Errors: `bad_master_key`.
 */
export async function loadMasterKeys({ readValue, homeFile }: MasterKeyPlaces): Promise<MasterKeys> {
  const isGiven = readValue() !== undefined;
  if (!isGiven && (await readFileIfExists(homeFile)) === undefined)
    await createExclusively(homeFile, `${newMasterKey()}\n`);
  const source = isGiven ? GIVEN : homeFile;
  let held: readonly MasterKey[] = [];

  async function read(): Promise<readonly [MasterKey, ...MasterKey[]]> {
    const text = isGiven ? (readValue() ?? '') : ((await readFileIfExists(homeFile))?.toString() ?? '');
    const keys = parseKeys(text, source);
    held = keys;
    return keys;
  }

  await read();
  return {
    source,
    read,
    list: () => held,
    async find(fingerprint) {
      const isIt = (key: MasterKey): boolean => key.fingerprint === fingerprint;
      return held.find(isIt) ?? (await read()).find(isIt);
    },
  };
}

/** A new key as it is written down. */
const newMasterKey = (): string => randomBytes(KEY_BYTES).toString('base64');

/** Puts a new master key before those of a home. It is on disk, beside all the others, before anybody can use it. */
export async function addMasterKey(homeFile: string): Promise<void> {
  const old = (await readFileIfExists(homeFile))?.toString() ?? '';
  await writeFileDurably(homeFile, `${[newMasterKey(), ...splitKeys(old)].join('\n')}\n`);
}

/** Leaves only one of a home's master keys. Whatever is wrapped by another one is lost from then on. */
export async function keepOnly(homeFile: string, fingerprint: string): Promise<void> {
  const texts = splitKeys((await readFileIfExists(homeFile))?.toString() ?? '');
  const kept = texts.filter((text) => parseKey(text, homeFile).fingerprint === fingerprint);
  if (kept.length === 0)
    throw new Error(`${homeFile} no longer has the master key ${fingerprint}; it was left as it is.`);
  await writeFileDurably(homeFile, `${kept[0]}\n`);
}

const splitKeys = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '');

function parseKeys(text: string, source: string): readonly [MasterKey, ...MasterKey[]] {
  // A list with nothing in it is one key that is none.
  const [first = '', ...others] = splitKeys(text);
  return [parseKey(first, source), ...others.map((other) => parseKey(other, source))];
}

function parseKey(text: string, source: string): MasterKey {
  const bytes = Buffer.from(text, /^[0-9a-fA-F]{64}$/.test(text) ? 'hex' : 'base64');
  if (bytes.length === KEY_BYTES) return createMasterKey(bytes);
  throw new EncryptionError(
    'bad_master_key',
    `The master key in ${source} must be ${KEY_BYTES} bytes as base64 or hex, and so must each one behind it that is only read with; make one with: openssl rand -base64 32`,
  );
}
