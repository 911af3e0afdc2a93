import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { formatAgent } from '../../present/fleet.ts';
import { findAgent } from '../../session/find-agent.ts';
import { listPools } from '../../session/find-pool.ts';

export const agentShow = (cli: Cli): Command =>
  createCommand('show', 'Show one agent', cli, ['agent show host-1'])
    .argument('<agent>', 'name or id')
    .action(async (id: string) => {
      const client = await cli.client();
      const agent = await findAgent(client, id);
      const pools = cli.json ? [] : await listPools(client);
      cli.print(agent, () => formatAgent(agent, pools, cli.style, cli.clock.now()));
    });
