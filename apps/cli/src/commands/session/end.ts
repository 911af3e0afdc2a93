import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';

export const sessionEnd = (cli: Cli): Command =>
  createCommand('end', 'Sign a browser out at once', cli, ['session end sess-k3j5…'])
    .argument('<session-id>', 'as "session list" shows it')
    .action(async (id: string) => {
      const client = await cli.client();
      await client.call('endSession', { params: { session_id: id } });
      cli.print({ ended: id }, () => `Ended ${id}.`);
    });
