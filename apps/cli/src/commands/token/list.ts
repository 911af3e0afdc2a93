import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, limitOption } from '../../command.ts';
import { formatTokens } from '../../present/fleet.ts';
import { collectPages } from '../../session/pages.ts';

export const tokenList = (cli: Cli): Command =>
  createCommand('list', 'Show your tokens', cli, ['token list'])
    .addOption(limitOption())
    .action(async ({ limit }: { limit: number }) => {
      const client = await cli.client();
      const tokens = await collectPages(limit, (query) => client.call('listTokens', { query }));
      cli.print(tokens, () => formatTokens(tokens, cli.style, cli.clock.now()));
    });
