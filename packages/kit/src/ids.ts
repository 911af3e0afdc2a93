const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const LENGTH = 20;

/**
 * A new id: the prefix, a hyphen and 20 characters of `a-z2-7`, together 100 random bits. Not to be guessed, not in any order.
 */
export function newId<P extends string>(prefix: P): `${P}-${string}` {
  const bytes = crypto.getRandomValues(new Uint8Array(LENGTH));
  // 256 is a multiple of 32, so that every character is equally likely.
  return `${prefix}-${Array.from(bytes, (byte) => ALPHABET[byte & 31]).join('')}`;
}
