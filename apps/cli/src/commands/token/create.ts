import type { UserId } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { usageError } from '../../cli-error.ts';
import { createCommand, parseCount } from '../../command.ts';
import { addLimitOptions, type LimitOptions, toLimits } from '../limits.ts';

interface CreateOptions extends LimitOptions {
  expiresInDays?: number;
  neverExpires?: boolean;
  signIn?: boolean;
  automation?: boolean;
  user?: string;
}

export const tokenCreate = (cli: Cli): Command =>
  addLimitOptions(
    createCommand('create', 'Make an API token, or a sign-in token for another person; it is shown once', cli, [
      'token create pipeline --expires-in-days 30 > pipeline.token',
      'token create reader --scope task:read --workspace network',
      'token create "for Grace" --sign-in --user user-k3j5…',
    ])
      .argument('<name>', 'what it is for')
      .option('--expires-in-days <n>', 'days until it expires (default: 90)', parseCount)
      .option('--never-expires', 'valid until it is revoked')
      .option('--sign-in', 'a one-time token, valid for a day, to log in with')
      .option('--automation', 'for a program: what it asks for stands behind what people ask for')
      .option('--user <id>', 'whose token; default your own'),
  ).action(async (name: string, options: CreateOptions) => {
    const client = await cli.client();
    const token = await client.call('createToken', {
      body: { ...bodyOf(name, options), ...(await toLimits(client, options)) },
    });
    cli.print(token, () => token.token);
    cli.note('Keep it well: it is not shown again.');
  });

function bodyOf(name: string, { expiresInDays, neverExpires, signIn, automation, user }: CreateOptions) {
  if (expiresInDays !== undefined && neverExpires)
    throw usageError('Give either --expires-in-days or --never-expires.');
  return {
    name,
    kind: signIn ? ('sign_in' as const) : ('api' as const),
    ...(neverExpires
      ? { expires_in_days: null }
      : expiresInDays === undefined
        ? {}
        : { expires_in_days: expiresInDays }),
    ...(automation && { automation }),
    ...(user === undefined ? {} : { user_id: user as UserId }),
  };
}
