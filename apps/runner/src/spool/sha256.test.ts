import { sha256Hex } from '@groundcrew/kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSha256, Sha256State } from './sha256.ts';

describe('a hash that can be put down', () => {
  it("is Node's, whatever the pieces and wherever it is put down", () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 12 });
    fc.assert(
      fc.property(pieces, (parts) => {
        let hash = createSha256();
        for (const part of parts) {
          hash.update(part);
          hash = createSha256(Sha256State.parse(JSON.parse(JSON.stringify(hash.state()))));
        }
        const whole = Buffer.concat(parts);
        expect(hash.digest()).toBe(sha256Hex(whole));
        expect(hash.state().length).toBe(whole.length);
      }),
    );
  });

  it.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 1_000_000])('is right for %i bytes', (length) => {
    const bytes = Buffer.alloc(length, 'groundcrew');
    const hash = createSha256();
    hash.update(bytes);
    expect(hash.digest()).toBe(sha256Hex(bytes));
    expect(hash.digest()).toBe(sha256Hex(bytes));
  });

  it('counts in bits beyond 32 of them', () => {
    const hash = createSha256({ ...createSha256().state(), length: 2 ** 33 });
    expect(hash.digest()).not.toBe(createSha256({ ...createSha256().state(), length: 2 ** 32 }).digest());
  });
});
