import type { OrganizationId, SessionId, UserId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import { IDENTITY, type IdentityRow, isLiving } from '../users/index.ts';

export interface SessionRow {
  id: SessionId;
  user_id: UserId;
  address: string;
  user_agent: string;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
}

/** A session that is not used for so long is over. */
const IDLE_HOURS = 12;
const OPEN: RawBuilder<unknown> = sql`s.revoked_at IS NULL AND s.expires_at > now() AND s.last_used_at > now() - make_interval(hours => ${sql.lit(IDLE_HOURS)})`;
const SESSION: RawBuilder<unknown> = sql`SELECT s.id, s.user_id, s.address, s.user_agent, s.created_at, s.last_used_at, s.expires_at FROM sessions s`;

export async function insertSession(
  tx: Executor,
  row: {
    id: SessionId;
    organization_id: string;
    user_id: string;
    secret_hash: string;
    address: string;
    user_agent: string;
    expires_at: Date;
  },
): Promise<void> {
  await tx.insertInto('sessions').values(row).execute();
}

export async function findSession(
  db: Executor,
  organizationId: OrganizationId,
  id: SessionId,
): Promise<SessionRow | undefined> {
  const { rows } =
    await sql<SessionRow>`${SESSION} WHERE s.organization_id = ${organizationId} AND s.id = ${id} AND ${OPEN}`.execute(
      db,
    );
  return rows[0];
}

/** Open ones of a user, newest first, older than the session `below`. */
export async function listSessions(
  db: Executor,
  organizationId: OrganizationId,
  userId: UserId,
  below: string | undefined,
  limit: number,
): Promise<SessionRow[]> {
  const older =
    below === undefined
      ? sql``
      : sql`AND (s.created_at, s.id) < (SELECT created_at, id FROM sessions WHERE id = ${below} AND user_id = ${userId})`;
  const { rows } =
    await sql<SessionRow>`${SESSION} WHERE s.organization_id = ${organizationId} AND s.user_id = ${userId} AND ${OPEN} ${older}
    ORDER BY s.created_at DESC, s.id DESC LIMIT ${limit}`.execute(db);
  return rows;
}

/** Ends the sessions of a user, but for one. */
export async function endSessions(tx: Executor, userId: UserId, butNot?: SessionId): Promise<void> {
  await sql`UPDATE sessions SET revoked_at = now() WHERE user_id = ${userId} AND revoked_at IS NULL
    AND id IS DISTINCT FROM ${butNot ?? null}`.execute(tx);
}

export async function endSession(tx: Executor, id: SessionId): Promise<void> {
  await sql`UPDATE sessions SET revoked_at = now() WHERE id = ${id} AND revoked_at IS NULL`.execute(tx);
}

export interface SessionOwner extends IdentityRow {
  session_id: SessionId;
  stale: boolean;
}

/** Whose session this is, if it is open now. */
export async function findSessionOwner(db: Executor, secretHash: string): Promise<SessionOwner | undefined> {
  const { rows } = await sql<SessionOwner>`${named('find_session_owner')}
    SELECT s.id AS session_id, s.last_used_at < now() - interval '1 minute' AS stale, ${IDENTITY}
    FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.secret_hash = ${secretHash} AND ${OPEN} AND ${isLiving('u')}`.execute(db);
  return rows[0];
}

/** Marks a session as used. Only while it is open: what ended in the meantime stays ended. */
export async function touchSession(db: Executor, id: SessionId): Promise<void> {
  await sql`UPDATE sessions s SET last_used_at = now() WHERE s.id = ${id} AND s.last_used_at < now() - interval '1 minute' AND ${OPEN}`.execute(
    db,
  );
}

/** Removes sessions that ended a month ago. */
export async function deleteOldSessions(db: Executor): Promise<void> {
  await sql`DELETE FROM sessions WHERE expires_at < now() - interval '30 days'`.execute(db);
}
