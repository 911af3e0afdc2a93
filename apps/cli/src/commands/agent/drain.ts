import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { findAgent } from '../../session/find-agent.ts';

/** The agent takes nothing new, finishes what it holds and leaves. */
export const agentDrain = (cli: Cli): Command =>
  createCommand('drain', 'Have an agent take nothing new, finish what it holds and leave', cli, ['agent drain host-1'])
    .argument('<agent>', 'name or id')
    .action(async (id: string) => {
      const client = await cli.client();
      const found = await findAgent(client, id);
      const agent = await client.call('updateAgent', { params: { id: found.id }, body: { draining: true } });
      const held = agent.running_attempts;
      const rest = held === 0 ? 'It holds nothing and leaves now' : `It leaves once the ${held} under way have ended`;
      cli.print(agent, () => `Agent ${agent.name} takes nothing new. ${rest}.`);
      cli.note(`To take this back: ${cli.name} agent resume ${agent.name}`);
    });
