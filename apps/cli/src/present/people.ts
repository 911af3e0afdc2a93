import type { Grant, MachineClient, Session, User } from '@groundcrew/protocol';
import type { Style } from '../terminal/style.ts';
import { formatTable } from '../terminal/table.ts';
import { formatAgo, formatTime } from './times.ts';

const waysIn = ({ has_password, signs_on_elsewhere }: User): string =>
  [has_password ? 'password' : '', signs_on_elsewhere ? 'OpenID' : ''].filter(Boolean).join(', ') || 'tokens';

export function formatUsers(users: readonly User[], style: Style): string {
  if (users.length === 0) return 'No users.';
  const rows = users.map((user) => [user.name, user.role, user.email ?? '–', waysIn(user), user.id]);
  return formatTable(['USER', 'ROLE', 'E-MAIL', 'SIGNS IN BY', 'ID'], rows, style);
}

export function formatGrants(grants: readonly Grant[], style: Style, now: number): string {
  if (grants.length === 0) return 'No grants.';
  const rows = grants.map((grant) => [
    grant.workspace_name,
    grant.user_name,
    grant.role,
    `${grant.created_by}, ${formatAgo(grant.created_at, now)}`,
    grant.id,
  ]);
  return formatTable(['WORKSPACE', 'USER', 'ROLE', 'GIVEN BY', 'ID'], rows, style);
}

export function formatClients(clients: readonly MachineClient[], style: Style, now: number): string {
  if (clients.length === 0) return 'No machine clients.';
  const rows = clients.map((client) => [
    client.name,
    client.role,
    client.scopes?.join(' ') ?? 'all of the role',
    client.pool_id ?? '–',
    client.expires_at ? `until ${formatTime(client.expires_at)}` : 'does not expire',
    client.last_used_at ? `used ${formatAgo(client.last_used_at, now)}` : 'never used',
    client.id,
  ]);
  return formatTable(['CLIENT', 'ROLE', 'SCOPES', 'POOL', 'VALID', 'USED', 'ID'], rows, style);
}

export function formatSessions(sessions: readonly Session[], style: Style, now: number): string {
  if (sessions.length === 0) return 'No sessions.';
  const rows = sessions.map((session) => [
    session.id,
    session.address,
    formatAgo(session.last_used_at, now),
    formatTime(session.expires_at),
    session.user_agent,
  ]);
  return formatTable(['SESSION', 'FROM', 'USED', 'UNTIL', 'BROWSER'], rows, style);
}
