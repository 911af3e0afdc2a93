import { sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';

export interface CodeRow {
  organization_id: string;
  user_id: string;
  code_challenge: string;
}

const CODE_SECONDS = 120;

/** Keeps a code for two minutes. */
export async function insertCode(tx: Executor, codeHash: string, row: CodeRow): Promise<void> {
  await sql`INSERT INTO sign_in_codes (code_hash, organization_id, user_id, code_challenge, expires_at)
    VALUES (${codeHash}, ${row.organization_id}, ${row.user_id}, ${row.code_challenge}, now() + make_interval(secs => ${CODE_SECONDS}))`.execute(
    tx,
  );
}

/** Uses a code up. */
export async function takeCode(tx: Executor, codeHash: string): Promise<CodeRow | undefined> {
  const { rows } = await sql<CodeRow>`DELETE FROM sign_in_codes WHERE code_hash = ${codeHash} AND expires_at > now()
    RETURNING organization_id, user_id, code_challenge`.execute(tx);
  return rows[0];
}

export async function deleteOldCodes(db: Executor): Promise<void> {
  await sql`DELETE FROM sign_in_codes WHERE expires_at < now()`.execute(db);
}
