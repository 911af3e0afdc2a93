import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { collect, createCommand, parseCount } from '../../command.ts';
import { findPool } from '../../session/find-pool.ts';

interface CreateOptions {
  pool?: string;
  description?: string;
  agentId?: string;
  label?: string[];
  maxTasks?: number;
  expiresInDays: number;
}

export const agentCreate = (cli: Cli): Command =>
  createCommand('create', 'List an agent with a token of its own, which is shown once', cli, [
    'agent create host-1 --pool eu-west > agent.token',
    'agent create host-1 --pool vault --agent-id host-1',
  ])
    .argument('<name>', 'name that people see')
    .option('--pool <pool>', 'its pool, by name or id')
    .option('--description <text>', 'what it is for')
    .option('--agent-id <id>', 'the id it signs on with; then it may also bring the token of its static pool')
    .option('--label <label>', 'label it carries; may be repeated', collect)
    .option('--max-tasks <n>', 'plans and applies that it may run at once', parseCount)
    .option('--expires-in-days <n>', 'days until its token expires', parseCount, 365)
    .action(async (name: string, options: CreateOptions) => {
      const client = await cli.client();
      const pool = options.pool === undefined ? undefined : await findPool(client, options.pool);
      const agent = await client.call('createAgent', {
        body: {
          name,
          token_expires_in_days: options.expiresInDays,
          ...(pool && { pool_id: pool.id }),
          ...(options.description !== undefined && { description: options.description }),
          ...(options.agentId !== undefined && { agent_id: options.agentId }),
          ...(options.label && { labels: options.label }),
          ...(options.maxTasks !== undefined && { max_concurrent_tasks: options.maxTasks }),
        },
      });
      cli.print(agent, () => agent.token);
      cli.note(
        `Keep it well: it is not shown again. Start the agent with: ${cli.name} agent --server-url ${client.baseUrl} --token-file <file>`,
      );
    });
