import type { ApiToken, User } from '@groundcrew/protocol';
import type { TokenRow } from './token-store.ts';
import type { UserRow } from './user-store.ts';

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

/** A row as the API shows it; ids and roles were checked on their way in. */
export const presentUser = (row: UserRow): User =>
  ({
    id: row.id,
    name: row.name,
    email: row.email,
    role: row.role,
    has_password: row.has_password,
    signs_on_elsewhere: row.signs_on_elsewhere,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }) as User;

export const presentToken = (row: TokenRow): ApiToken =>
  ({
    id: row.id,
    user_id: row.user_id,
    name: row.name,
    kind: row.kind,
    automation: row.automation,
    scopes: row.scopes,
    workspace_ids: row.workspace_ids,
    created_at: row.created_at.toISOString(),
    expires_at: iso(row.expires_at),
    last_used_at: iso(row.last_used_at),
    revoked_at: iso(row.revoked_at),
  }) as ApiToken;
