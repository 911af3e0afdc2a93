import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { findAgent } from '../../session/find-agent.ts';
import { findPool } from '../../session/find-pool.ts';

export const poolAdd = (cli: Cli): Command =>
  createCommand('add', 'Move an agent into a pool: it is in one at a time', cli, ['pool add eu-west host-1'])
    .argument('<pool>', 'name or id')
    .argument('<agent>', 'name or id')
    .action(async (name: string, id: string) => {
      const client = await cli.client();
      const [found, agent] = [await findPool(client, name), await findAgent(client, id)];
      const pool = await client.call('addPoolAgent', { params: { id: found.id }, body: { agent_id: agent.id } });
      cli.print(pool, () => `Agent ${agent.name} is in pool ${pool.name} now.`);
    });

export const poolRemove = (cli: Cli): Command =>
  createCommand('remove', 'Take an agent out of a pool', cli, ['pool remove eu-west host-1'])
    .argument('<pool>', 'name or id')
    .argument('<agent>', 'name or id')
    .action(async (name: string, id: string) => {
      const client = await cli.client();
      const [pool, agent] = [await findPool(client, name), await findAgent(client, id)];
      await client.call('removePoolAgent', { params: { id: pool.id, agent_id: agent.id } });
      cli.print({ id: pool.id, agent_id: agent.id }, () => `Agent ${agent.name} is in no pool now and gets no work.`);
    });
