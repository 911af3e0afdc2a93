import type { PoolToken } from '@groundcrew/protocol';
import type { Style } from '../terminal/style.ts';
import { formatTable } from '../terminal/table.ts';
import { formatAgo, formatTime } from './times.ts';

const formatValid = ({ revoked_at, expires_at }: PoolToken, style: Style, now: number): string => {
  if (revoked_at !== null) return style.dim('revoked');
  if (expires_at === null) return 'does not expire';
  return Date.parse(expires_at) <= now ? style.dim('has run out') : `until ${formatTime(expires_at)}`;
};

export function formatPoolTokens(tokens: readonly PoolToken[], style: Style, now: number): string {
  if (tokens.length === 0) return 'No tokens.';
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    formatValid(token, style, now),
    token.last_used_at ? `used ${formatAgo(token.last_used_at, now)}` : 'never used',
    String(token.agents ?? ''),
    token.rotated_from ?? '',
  ]);
  return formatTable(['TOKEN', 'NAME', 'VALID', 'USED', 'AGENTS', 'IN PLACE OF'], rows, style);
}
