import { sql } from 'kysely';
import { type Executor, named } from '../../database/index.ts';

/** Whose key it is. */
export interface KeyOwner {
  organizationId: string;
  callerId: string;
  key: string;
}

/** What a request that wants the key brings. */
export interface NewClaim {
  claimId: string;
  route: string;
  requestHash: string;
}

/** A key as stored. */
export interface StoredKey {
  claimId: string;
  route: string;
  requestHash: string;
  /** The change is in the database. */
  committed: boolean;
  /** Claimed longer ago than any request takes. */
  isStale: boolean;
  /** Null until the answer is stored. */
  status: number | null;
  body: unknown;
}

/**
 * Takes the key for a new request, or over from one that began `staleAfterSeconds` ago and has changed nothing; gives the row
 * as it is afterwards. Committed without waiting for the disk: a claim lost in a crash means only that nothing was begun, and
 * the change's own commit flushes it.
 */
export async function claimKey(
  db: Executor,
  owner: KeyOwner,
  claim: NewClaim,
  staleAfterSeconds: number,
): Promise<StoredKey> {
  const { rows } = await sql<StoredKey>`${named('claim_key')}
    WITH claimed AS (
      INSERT INTO idempotency_keys AS k (organization_id, caller_id, key, claim_id, route, request_hash)
      SELECT ${owner.organizationId}, ${owner.callerId}, ${owner.key}, ${claim.claimId}, ${claim.route}, ${claim.requestHash}
      FROM (SELECT set_config('synchronous_commit', 'off', true)) AS relaxed
      ON CONFLICT (organization_id, caller_id, key) DO UPDATE SET claim_id = EXCLUDED.claim_id, claimed_at = now()
        WHERE k.status IS NULL AND NOT k.committed AND k.request_hash = EXCLUDED.request_hash
          AND k.claimed_at < now() - make_interval(secs => ${staleAfterSeconds})
      RETURNING claim_id, route, request_hash, committed, status, body
    )
    SELECT claim_id AS "claimId", route, request_hash AS "requestHash", committed, false AS "isStale", status, body FROM claimed
    UNION ALL
    SELECT claim_id, route, request_hash, committed, claimed_at < now() - make_interval(secs => ${staleAfterSeconds}), status, body FROM idempotency_keys
      WHERE organization_id = ${owner.organizationId} AND caller_id = ${owner.callerId} AND key = ${owner.key} AND NOT EXISTS (SELECT FROM claimed)`.execute(
    db,
  );
  // A row that was inserted by somebody else in this very moment is in no snapshot of ours yet; it is seen the next time.
  return (
    rows[0] ?? {
      claimId: '',
      route: claim.route,
      requestHash: claim.requestHash,
      committed: false,
      isStale: false,
      status: null,
      body: null,
    }
  );
}

/** Marks that the change is made, in its transaction; false when the claim was taken over. */
export async function commitClaim(tx: Executor, owner: KeyOwner, claimId: string): Promise<boolean> {
  const { numAffectedRows } = await sql`${named('commit_claim')} UPDATE idempotency_keys SET committed = true
    WHERE organization_id = ${owner.organizationId} AND caller_id = ${owner.callerId} AND key = ${owner.key} AND claim_id = ${claimId}`.execute(
    tx,
  );
  return numAffectedRows === 1n;
}

/** Stores the answer; `body` null when it must not be kept. */
export async function storeAnswer(
  db: Executor,
  owner: KeyOwner,
  claimId: string,
  status: number,
  body: unknown,
): Promise<void> {
  await sql`${named('store_answer')} UPDATE idempotency_keys SET status = ${status}, body = ${body === null ? null : JSON.stringify(body)}::jsonb
    FROM (SELECT set_config('synchronous_commit', 'off', true)) AS relaxed
    WHERE organization_id = ${owner.organizationId} AND caller_id = ${owner.callerId} AND key = ${owner.key} AND claim_id = ${claimId}`.execute(
    db,
  );
}

/** Gives the key back after a refusal: nothing was changed, and the same key may be tried again. */
export async function releaseClaim(db: Executor, owner: KeyOwner, claimId: string): Promise<void> {
  await sql`DELETE FROM idempotency_keys
    WHERE organization_id = ${owner.organizationId} AND caller_id = ${owner.callerId} AND key = ${owner.key} AND claim_id = ${claimId} AND NOT committed`.execute(
    db,
  );
}

/** Removes keys that are older than `seconds`. */
export async function deleteOldKeys(db: Executor, seconds: number): Promise<void> {
  await sql`DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(secs => ${seconds})`.execute(db);
}
