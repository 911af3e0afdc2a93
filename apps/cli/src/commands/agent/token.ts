import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, createGroup, parseCount, parseOffset } from '../../command.ts';
import { findAgent } from '../../session/find-agent.ts';

const agentTokenRotate = (cli: Cli): Command =>
  createCommand('rotate', 'Make a new token for an agent; it is shown once', cli, [
    'agent token rotate host-1 --overlap 3600 > agent.token',
  ])
    .argument('<agent>', 'name or id')
    .option('--overlap <seconds>', 'how long the old token counts beside it', parseOffset, 0)
    .option('--expires-in-days <n>', 'days until the new one expires', parseCount, 365)
    .action(async (id: string, { overlap, expiresInDays }: { overlap: number; expiresInDays: number }) => {
      const client = await cli.client();
      const { id: agentId } = await findAgent(client, id);
      const body = { overlap_seconds: overlap, expires_in_days: expiresInDays };
      const agent = await client.call('regenerateAgentToken', { params: { id: agentId }, body });
      cli.print(agent, () => agent.token);
      cli.note(`It is not shown again. The old one ${overlap === 0 ? 'counts no more' : `counts for ${overlap} s`}.`);
    });

const agentTokenRevoke = (cli: Cli): Command =>
  createCommand('revoke', 'Revoke the token of an agent at once; an apply that has begun may finish', cli, [
    'agent token revoke host-1',
  ])
    .argument('<agent>', 'name or id')
    .action(async (id: string) => {
      const client = await cli.client();
      const agent = await client.call('revokeAgentToken', { params: { id: (await findAgent(client, id)).id } });
      cli.print(
        agent,
        () => `Agent ${agent.name} is cut off. To let it in again: ${cli.name} agent token rotate ${agent.name}`,
      );
    });

export const agentToken = (cli: Cli): Command =>
  createGroup('token', 'The token of an agent: rotate, revoke', cli, [agentTokenRotate, agentTokenRevoke]);
