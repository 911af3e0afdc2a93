import type { Me } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { createCommand } from '../command.ts';
import { formatFields } from '../terminal/table.ts';

const who = ({ user, client }: Me): [string, string] =>
  user === null ? ['Machine client', `${client?.name} (${client?.role})`] : ['User', `${user.name} (${user.role})`];

export const whoami = (cli: Cli): Command =>
  createCommand('whoami', 'Show which server you talk to, and as whom', cli, ['whoami']).action(async () => {
    const { url, source } = await cli.target();
    const me = await (await cli.client()).call('getMe');
    cli.print({ url, source, ...me }, () =>
      formatFields(
        [['Server', url], ['According to', source], who(me), ['Organisation', me.organization.name]],
        cli.style,
      ),
    );
  });
