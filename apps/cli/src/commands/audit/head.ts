import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';

export const auditHead = (cli: Cli): Command =>
  createCommand(
    'head',
    'Show how far the audit log reaches; kept elsewhere, it proves later that nothing was cut off',
    cli,
    ['audit head --json > anchor.json'],
  ).action(async () => {
    const client = await cli.client();
    const head = await client.call('getAuditHead');
    cli.print(head, () => `${head.position}:${head.hash}`);
    cli.note(
      `Keep it where nobody who reaches the server can change it. Later: ${cli.name} audit verify --anchor <it>`,
    );
  });
