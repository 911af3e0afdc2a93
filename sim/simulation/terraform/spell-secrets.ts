import type { Dice } from '../kernel/dice.ts';

/** The ways in which a secret turns up in output. */
export const SPELLINGS: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  json: (secret) => JSON.stringify({ value: secret }),
  url: (secret) => `https://example.test/?token=${encodeURIComponent(secret)}`,
  base64: (secret) => Buffer.from(secret).toString('base64'),
  base64_shifted: (secret) => Buffer.from(`u:${secret}:x`).toString('base64'),
};

/** A line as a careless provisioner prints it. */
export function leakyLine(secrets: readonly string[], dice: Dice): string {
  const secret = secrets.length === 0 ? 'nothing' : dice.pick(secrets);
  const spelling = SPELLINGS[dice.pick(Object.keys(SPELLINGS))] as (secret: string) => string;
  return `null_resource.a (local-exec): says ${spelling(secret)} and goes on`;
}
