import type { OrganizationId, UserId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';

/** Notes that a sign-on was used; false when it had been used before. */
export async function useState(tx: Executor, stateHash: string): Promise<boolean> {
  const { rows } =
    await sql`INSERT INTO oidc_states (state_hash) VALUES (${stateHash}) ON CONFLICT DO NOTHING RETURNING 1`.execute(
      tx,
    );
  return rows.length > 0;
}

/** Removes those that could not come back any more anyway. */
export async function deleteOldStates(db: Executor): Promise<void> {
  await sql`DELETE FROM oidc_states WHERE used_at < now() - interval '1 hour'`.execute(db);
}

/** Who it is by the provider's own name for them; else who has this address and has not signed on through a provider yet. */
export async function findPersonId(
  tx: Executor,
  organizationId: OrganizationId,
  { issuer, subject, email }: { issuer: string; subject: string; email: string | null },
): Promise<UserId | undefined> {
  const { rows } = await sql<{
    id: UserId;
  }>`SELECT id FROM users WHERE organization_id = ${organizationId} AND deleted_at IS NULL
      AND oidc_issuer = ${issuer} AND oidc_subject = ${subject}`.execute(tx);
  if (rows[0] !== undefined || email === null) return rows[0]?.id;
  const byAddress = await sql<{
    id: UserId;
  }>`SELECT id FROM users WHERE organization_id = ${organizationId} AND deleted_at IS NULL
      AND lower(email) = lower(${email}) AND oidc_subject IS NULL LIMIT 2`.execute(tx);
  return byAddress.rows.length === 1 ? byAddress.rows[0]?.id : undefined;
}

export async function isNameTaken(tx: Executor, organizationId: OrganizationId, name: string): Promise<boolean> {
  const { rows } =
    await sql`SELECT 1 FROM users WHERE organization_id = ${organizationId} AND lower(name) = lower(${name}) AND deleted_at IS NULL`.execute(
      tx,
    );
  return rows.length > 0;
}
