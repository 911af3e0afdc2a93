import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createExclusively, readFileIfExists } from '@groundcrew/kit';
import { decrypt, encrypt, KEY_BYTES } from './aead.ts';
import { EncryptionError } from './encryption-error.ts';

/** The key above all data keys. Asynchronous, because a key service may stand behind it. */
export interface MasterKey {
  /** Where it came from, for people: a variable's name or a path. */
  readonly source: string;
  /** Says which key this is without telling anything about it. */
  fingerprint(): Promise<string>;
  wrap(dataKey: Buffer, context: readonly string[]): Promise<Buffer>;
  /** Undefined when it was wrapped with another key or for another context. */
  unwrap(wrapped: Buffer, context: readonly string[]): Promise<Buffer | undefined>;
}

interface MasterKeyPlaces {
  /** `GROUNDCREW_MASTER_KEY`: 32 bytes as base64 or hex. */
  value?: string | undefined;
  /** `GROUNDCREW_MASTER_KEY_FILE`: a file that holds the same. */
  file?: string | undefined;
  /** Where one is kept that is made at the first start, when neither of the others is given. */
  homeFile: string;
}

/**
 * Finds the master key; the first place that is given counts. A new one is on disk before it is used, and of several that
 * start at once all get the same. Errors: `bad_master_key`.
 */
export async function loadMasterKey({ value, file, homeFile }: MasterKeyPlaces): Promise<MasterKey> {
  if (value !== undefined) return createMasterKey(parseKey(value, 'GROUNDCREW_MASTER_KEY'), 'GROUNDCREW_MASTER_KEY');
  if (file !== undefined) return createMasterKey(parseKey(await readKeyFile(file), file), file);
  if ((await readFileIfExists(homeFile)) === undefined)
    await createExclusively(homeFile, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
  return createMasterKey(parseKey(await readFile(homeFile, 'utf8'), homeFile), homeFile);
}

/**
 * A master key that is at hand as 32 bytes. One key per use is derived from it.
 *
 * @internal for tests
 */
export function createMasterKey(bytes: Buffer, source: string): MasterKey {
  const wrappingKey = derive(bytes, 'groundcrew data keys');
  const fingerprint = createHmac('sha256', derive(bytes, 'groundcrew fingerprint')).update('').digest('base64url');
  return {
    source,
    fingerprint: async () => fingerprint,
    wrap: async (dataKey, context) => encrypt(wrappingKey, dataKey, context),
    unwrap: async (wrapped, context) => decrypt(wrappingKey, wrapped, context),
  };
}

const derive = (bytes: Buffer, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', bytes, Buffer.alloc(0), use, KEY_BYTES));

function parseKey(text: string, source: string): Buffer {
  const trimmed = text.trim();
  const bytes = Buffer.from(trimmed, /^[0-9a-fA-F]{64}$/.test(trimmed) ? 'hex' : 'base64');
  if (bytes.length === KEY_BYTES) return bytes;
  throw new EncryptionError(
    'bad_master_key',
    `The master key in ${source} must be ${KEY_BYTES} bytes as base64 or hex; make one with: openssl rand -base64 32`,
  );
}

async function readKeyFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new EncryptionError(
      'bad_master_key',
      `The master key's file ${file} (GROUNDCREW_MASTER_KEY_FILE) cannot be read: ${code}.`,
    );
  }
}
