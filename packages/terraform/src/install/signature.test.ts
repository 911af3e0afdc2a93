import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readKey } from 'openpgp';
import { describe, expect, it } from 'vitest';
import { HASHICORP_KEY } from './keys/hashicorp-key.ts';
import { OPENTOFU_KEY } from './keys/opentofu-key.ts';
import { createTestKey } from './mirror-for-tests.ts';
import { verifySignature } from './signature.ts';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures', name));
const DAY_S = 86_400;
const day = (n: number) => new Date(Date.UTC(2024, 0, 1) + n * DAY_S * 1000);
const data = Buffer.from('checksums');

describe('the built-in keys', () => {
  it('are the publishers’', async () => {
    const [first, second] = HASHICORP_KEY.split(/(?<=-----END PGP PUBLIC KEY BLOCK-----\n)/);
    for (const armoredKey of [first, second]) {
      expect((await readKey({ armoredKey: armoredKey ?? '' })).getFingerprint().toUpperCase()).toBe(
        'C874011F0AB405110D02105534365D9472D7468F',
      );
    }
    expect((await readKey({ armoredKey: OPENTOFU_KEY })).getFingerprint().toUpperCase()).toBe(
      'E3E6E43D84CB852EADB0051D0C0AF313E5FD9F80',
    );
  });

  // Published files, which gpg verifies with the same keys.
  it.each([
    ['terraform_1.9.8_SHA256SUMS', '.sig', HASHICORP_KEY, OPENTOFU_KEY],
    ['tofu_1.8.5_SHA256SUMS', '.gpgsig', OPENTOFU_KEY, HASHICORP_KEY],
  ])('verify %s', async (name, ending, keys, others) => {
    const [sums, signature] = [fixture(name), fixture(name + ending)];
    await verifySignature(name, sums, signature, keys);
    await verifySignature(name, sums, signature, `${others}\n${keys}`);
    await expect(verifySignature(name, sums, signature, others)).rejects.toThrow('Could not find signing key');
    await expect(verifySignature(name, Buffer.concat([sums, Buffer.from('\n')]), signature, keys)).rejects.toThrow(
      'is not good',
    );
    const changed = Buffer.from(sums.toString().replace('b', 'c'));
    await expect(verifySignature(name, changed, signature, keys)).rejects.toThrow('is not good');
  });

  it('the later edition alone cannot say what the key was worth in 2024', async () => {
    const second = HASHICORP_KEY.slice(HASHICORP_KEY.lastIndexOf('-----BEGIN'));
    const verified = verifySignature(
      'x',
      fixture('terraform_1.9.8_SHA256SUMS'),
      fixture('terraform_1.9.8_SHA256SUMS.sig'),
      second,
    );
    await expect(verified).rejects.toThrow('is not good');
  });
});

describe('verifySignature', () => {
  it('takes a signature made while the key was valid, and none made after', async () => {
    const key = await createTestKey(day(0));
    const tenDays = await key.ending(10 * DAY_S);
    await verifySignature('x', data, await key.sign(data, day(5)), tenDays);
    const late = await key.sign(data, day(15));
    await expect(verifySignature('x', data, late, tenDays)).rejects.toThrow('key is expired');
    await verifySignature('x', data, late, key.publicKey);
    await verifySignature('x', data, late, tenDays + key.publicKey);
  });

  it('takes nothing from a key that any of its editions revokes', async () => {
    const key = await createTestKey();
    const signature = await key.sign(data);
    await verifySignature('x', data, signature, key.publicKey);
    await expect(verifySignature('x', data, signature, key.publicKey + (await key.revoked()))).rejects.toThrow(
      'was revoked',
    );
  });

  it('takes an armored signature', async () => {
    const { armor, enums } = await import('openpgp');
    const key = await createTestKey();
    const armored = armor(enums.armor.signature, await key.sign(data));
    await verifySignature('x', data, Buffer.from(armored), key.publicKey);
  });
});
