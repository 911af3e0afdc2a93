import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { formatAgent } from '../../present/fleet.ts';
import { listPools } from '../../session/find-pool.ts';

export const agentShow = (cli: Cli): Command =>
  createCommand('show', 'Show one agent', cli, ['agent show agent-k3j5…'])
    .argument('<agent>', 'id, or the id it chose for itself')
    .action(async (id: string) => {
      const client = await cli.client();
      const agent = await client.call('getAgent', { params: { id } });
      const pools = cli.json ? [] : await listPools(client);
      cli.print(agent, () => formatAgent(agent, pools, cli.style, cli.clock.now()));
    });
