import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { findAgent } from '../../session/find-agent.ts';

export const agentDelete = (cli: Cli): Command =>
  createCommand('delete', 'Remove an agent', cli, ['agent delete host-1', 'agent delete host-1 --force'])
    .argument('<agent>', 'name or id')
    .option('--force', 'also while it runs something; an apply that has begun may finish')
    .action(async (id: string, { force }: { force?: boolean }) => {
      const client = await cli.client();
      const agent = await findAgent(client, id);
      await client.call('deleteAgent', { params: { id: agent.id }, query: { force: force ? 'true' : 'false' } });
      cli.print({ id: agent.id, deleted: true }, () => `Removed agent ${agent.name}.`);
    });
