import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { CliError, usageError } from '../../cli-error.ts';
import { createCommand } from '../../command.ts';
import { readPasswords } from '../../terminal/read-password.ts';

export const userPassword = (cli: Cli): Command =>
  createCommand('password', 'Set or change your own password; your other sessions end', cli, [
    'user password',
    'printf "%s\\n" "$OLD" "$NEW" | groundcrew user password',
  ]).action(async () => {
    const client = await cli.client();
    const { user } = await client.call('getMe');
    if (user === null) throw usageError('A machine client has no password.');
    const isSet = user.has_password;
    const given = await readPasswords(cli.io, isSet ? ['Password until now', 'New password'] : ['New password']);
    const [current, fresh] = isSet ? given : [undefined, given[0]];
    if (fresh === undefined) throw new CliError('Nothing was changed.', { code: 'declined' });
    await client.call('changePassword', {
      body: { new_password: fresh, ...(current === undefined ? {} : { current_password: current }) },
    });
    cli.print({ changed: true }, () => `The password of ${user.name} is changed.`);
  });
