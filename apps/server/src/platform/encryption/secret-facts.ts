import { sql } from 'kysely';
import type { Executor } from '../database/index.ts';

/** A secret as it stands in a fact. */
export interface WrappedFact {
  wrapped: string;
}

/** Secrets of the installation: facts whose name begins so. */
const SECRET_FACT = 'secret:';
export const secretFact = (name: string): string => `${SECRET_FACT}${name}`;
export const contextOfSecret = (name: string): string[] => ['installation secret', name];

/** Every secret of the installation, by name. */
export async function listSecretFacts(db: Executor): Promise<{ name: string; value: WrappedFact }[]> {
  const rows = await db
    .selectFrom('server_facts')
    .select(['key', 'value'])
    .where('key', 'like', `${SECRET_FACT}%`)
    .orderBy('key')
    .execute();
  return rows.map(({ key, value }) => ({
    name: key.slice(SECRET_FACT.length),
    value: value as unknown as WrappedFact,
  }));
}

/** Puts another wrapping in place of the one that was read; false when somebody else was first. */
export async function replaceSecretFact(
  db: Executor,
  name: string,
  before: WrappedFact,
  wrapped: Buffer,
): Promise<boolean> {
  const result = await db
    .updateTable('server_facts')
    .set({ value: JSON.stringify({ wrapped: wrapped.toString('base64') }), updated_at: sql`now()` })
    .where('key', '=', secretFact(name))
    .where(sql<boolean>`value->>'wrapped' = ${before.wrapped}`)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
