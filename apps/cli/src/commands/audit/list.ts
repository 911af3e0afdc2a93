import type { AuditEntry } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, limitOption } from '../../command.ts';
import { parseMoment } from '../../present/parse-moment.ts';
import { formatTime } from '../../present/times.ts';
import { collectPages } from '../../session/pages.ts';
import type { Style } from '../../terminal/style.ts';
import { formatTable } from '../../terminal/table.ts';

interface ListOptions {
  actor?: string;
  action?: string;
  noun?: string;
  subject?: string;
  request?: string;
  since?: string;
  until?: string;
  limit: number;
}

export const auditList = (cli: Cli): Command =>
  createCommand('list', 'Show who did what, newest first', cli, [
    'audit list',
    'audit list --noun task --action approve --since 2026-11-01',
    'audit list --request req-k3j5…',
  ])
    .option('--actor <id>', 'only by this user, agent or attempt')
    .option('--action <verb>', 'only this: create, delete, approve, sign_in, …')
    .option('--noun <noun>', 'only on such things: task, workspace, token, …')
    .option('--subject <id>', 'only on this thing')
    .option('--request <id>', 'only by this request')
    .option('--since <time>', 'not before: a day or a time of ISO 8601', parseMoment)
    .option('--until <time>', 'before', parseMoment)
    .addOption(limitOption())
    .action(async ({ limit, ...options }: ListOptions) => {
      const client = await cli.client();
      const only = toQuery(options);
      const entries = await collectPages(limit, (page) => client.call('listAudit', { query: { ...page, ...only } }));
      cli.print(entries, () => formatEntries(entries, cli.style));
    });

function toQuery({ actor, action, noun, subject, request, since, until }: Omit<ListOptions, 'limit'>) {
  const query = { actor_id: actor, action, noun, subject_id: subject, request_id: request, since, until };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
}

/** Names may come from agents and browsers; none moves the cursor. */
const safeText = (text: string): string => text.replaceAll(/\p{Cc}/gu, '');

const formatEntries = (entries: readonly AuditEntry[], style: Style): string =>
  formatTable(
    ['#', 'WHEN', 'WHO', 'FROM', 'DID', 'WITH'],
    entries.map((entry) => [
      entry.position === null ? '…' : String(entry.position),
      formatTime(entry.at),
      safeText(entry.actor_name),
      safeText(entry.address ?? '–'),
      `${entry.action} ${entry.noun}`,
      safeText(entry.subject_name ?? entry.subject_id ?? ''),
    ]),
    style,
  );
