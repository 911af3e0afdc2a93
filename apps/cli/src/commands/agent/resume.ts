import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { findAgent } from '../../session/find-agent.ts';

/** Takes a drain back. A process that drains does not turn round, so it has to be started again. */
export const agentResume = (cli: Cli): Command =>
  createCommand('resume', 'Let an agent that was drained work again', cli, ['agent resume host-1'])
    .argument('<agent>', 'name or id')
    .action(async (id: string) => {
      const client = await cli.client();
      const found = await findAgent(client, id);
      const agent = await client.call('updateAgent', { params: { id: found.id }, body: { draining: false } });
      cli.print(agent, () => `Agent ${agent.name} may work again.`);
      if (!agent.connected) cli.note('It leaves when it is drained: start it again on its host.');
    });
