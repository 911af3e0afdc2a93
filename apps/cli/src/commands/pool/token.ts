import type { PoolTokenId } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, createGroup, parseCount, parseOffset } from '../../command.ts';
import { formatPoolTokens } from '../../present/pool-tokens.ts';
import { findPool } from '../../session/find-pool.ts';
import { collectPages } from '../../session/pages.ts';
import { poolTokenCreate } from './token-create.ts';

const ALL = 1_000;

const poolTokenList = (cli: Cli): Command =>
  createCommand('list', 'Show the tokens of a pool, and how many agents came with each', cli, [
    'pool token list eu-west',
  ])
    .argument('<pool>', 'name or id')
    .action(async (name: string) => {
      const client = await cli.client();
      const params = { id: (await findPool(client, name)).id };
      const tokens = await collectPages(ALL, (query) => client.call('listPoolTokens', { params, query }));
      cli.print(tokens, () => formatPoolTokens(tokens, cli.style, cli.clock.now()));
    });

const poolTokenRotate = (cli: Cli): Command =>
  createCommand('rotate', 'Make a new token in the place of one; it is shown once', cli, [
    'pool token rotate eu-west ptok-k3j5… --overlap 86400 > agent.token',
  ])
    .argument('<pool>', 'name or id')
    .argument('<token>', 'id of the old one, as "pool token list" shows it')
    .option('--overlap <seconds>', 'how long the old one counts beside it', parseOffset, 86_400)
    .option('--expires-in-days <n>', 'days until the new one expires', parseCount, 365)
    .action(
      async (name: string, id: string, { overlap, expiresInDays }: { overlap: number; expiresInDays: number }) => {
        const client = await cli.client();
        const pool = await findPool(client, name);
        const params = { id: pool.id, token_id: id as PoolTokenId };
        const body = { overlap_seconds: overlap, expires_in_days: expiresInDays };
        const token = await client.call('rotatePoolToken', { params, body });
        cli.print(token, () => token.token);
        cli.note(`It is not shown again. The old one ${overlap === 0 ? 'counts no more' : `counts for ${overlap} s`}.`);
      },
    );

const poolTokenRevoke = (cli: Cli): Command =>
  createCommand('revoke', 'Revoke a token and cut off whoever came with it', cli, [
    'pool token revoke eu-west ptok-k3j5…',
  ])
    .argument('<pool>', 'name or id')
    .argument('<token>', 'its id, as "pool token list" shows it')
    .action(async (name: string, id: string) => {
      const client = await cli.client();
      const pool = await findPool(client, name);
      await client.call('revokePoolToken', { params: { id: pool.id, token_id: id as PoolTokenId } });
      cli.print({ id, revoked: true }, () => `Revoked token ${id} of pool ${pool.name}.`);
    });

export const poolToken = (cli: Cli): Command =>
  createGroup('token', 'Tokens that agents register with: create, list, rotate, revoke', cli, [
    poolTokenCreate,
    poolTokenList,
    poolTokenRotate,
    poolTokenRevoke,
  ]);
