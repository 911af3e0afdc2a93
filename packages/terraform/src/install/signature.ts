import type { PublicKey, Signature } from 'openpgp';
import { InstallError } from './install-error.ts';

const ARMOR = /-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g;

/**
 * Checks a detached OpenPGP signature, binary or armored, against keys in armored text, one block after another. The key must
 * have been valid when the signature was made: that it ended later does not matter, that it had ended before does. So several
 * editions of one key, each with its own dates, may stand side by side, unless one of them revokes it.
 * @param what names the signed file in messages
 * @throws InstallError `missing_key` or `bad_signature`
 */
export async function verifySignature(
  what: string,
  data: Uint8Array,
  signature: Uint8Array,
  armoredKeys: string,
): Promise<void> {
  const keys = await readKeys(armoredKeys);
  const mistakes: unknown[] = [];
  for (const key of keys) {
    try {
      return await verifyWith(key, data, await readSignature(signature));
    } catch (error) {
      mistakes.push(error);
    }
  }
  const why = [...new Set(mistakes.map((error) => (error instanceof Error ? error.message : String(error))))].join(
    '; ',
  );
  throw new InstallError(
    'bad_signature',
    `The signature of ${what} is not good (${why}). Nothing was installed; check the mirror, and the key when the publisher has a new one.`,
  );
}

async function verifyWith(key: PublicKey, data: Uint8Array, signature: Signature): Promise<void> {
  const { createMessage, verify } = await import('openpgp');
  const message = await createMessage({ binary: data });
  // Without a date the signature is judged as of the time it was made.
  const { signatures } = await verify({ message, signature, verificationKeys: key, format: 'binary', date: null });
  if (signatures.length === 0) throw new Error('there is none in it');
  await Promise.any(signatures.map(({ verified }) => verified)).catch(({ errors }: AggregateError) => {
    throw errors[0];
  });
}

async function readSignature(bytes: Uint8Array): Promise<Signature> {
  // Half a megabyte of code that an agent needs once a month.
  const openpgp = await import('openpgp');
  const text = Buffer.from(bytes).toString('latin1');
  return text.startsWith('-----BEGIN')
    ? openpgp.readSignature({ armoredSignature: text })
    : openpgp.readSignature({ binarySignature: bytes });
}

async function readKeys(armoredKeys: string): Promise<PublicKey[]> {
  const { readKey } = await import('openpgp');
  const keys: PublicKey[] = [];
  for (const [armoredKey] of armoredKeys.matchAll(ARMOR)) {
    keys.push(
      await readKey({ armoredKey }).catch((cause) => {
        throw missingKey('The key that releases are checked with cannot be read', { cause });
      }),
    );
  }
  if (keys.length === 0) throw missingKey('There is no key to check releases with');
  const revoked = new Set<string>();
  for (const key of keys) if (await key.isRevoked()) revoked.add(key.getFingerprint());
  const valid = keys.filter((key) => !revoked.has(key.getFingerprint()));
  if (valid.length === 0) throw missingKey('The key that releases are checked with was revoked');
  return valid;
}

const missingKey = (what: string, options?: ErrorOptions): InstallError =>
  new InstallError(
    'missing_key',
    `${what}; give the publisher's public key as armored text ("-----BEGIN PGP PUBLIC KEY BLOCK-----…") in the agent's settings.`,
    options,
  );
