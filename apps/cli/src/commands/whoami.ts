import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { createCommand } from '../command.ts';
import { formatFields } from '../terminal/table.ts';

export const whoami = (cli: Cli): Command =>
  createCommand('whoami', 'Show which server you talk to, and as whom', cli, ['whoami']).action(async () => {
    const { url, source } = await cli.target();
    const me = await (await cli.client()).call('getMe');
    cli.print({ url, source, ...me }, () =>
      formatFields(
        [
          ['Server', url],
          ['According to', source],
          ['User', `${me.user.name} (${me.user.role})`],
          ['Organisation', me.organization.name],
        ],
        cli.style,
      ),
    );
  });
