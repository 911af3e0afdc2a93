import type { Agent, AgentPermissions, AgentUpdate } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { usageError } from '../../cli-error.ts';
import { collect, createCommand, type GivenLimit, parseLimit, toLimit } from '../../command.ts';
import { findAgent } from '../../session/find-agent.ts';
import { findPool } from '../../session/find-pool.ts';

interface UpdateOptions {
  rename?: string;
  description?: string;
  pool?: string;
  label?: string[];
  removeLabel?: string[];
  maxTasks?: GivenLimit;
  execute?: boolean;
  secrets?: boolean;
  allowWorkspace?: string[];
  allowProvider?: string[];
  allowAll?: boolean;
}

export const agentUpdate = (cli: Cli): Command =>
  createCommand('update', 'Change what an agent may do, how much, and where it belongs', cli, [
    'agent update host-1 --label gpu --max-tasks 5',
    'agent update host-1 --no-secrets --allow-workspace ws-k3j5…',
  ])
    .argument('<agent>', 'name or id')
    .option('--rename <name>', 'name that people see')
    .option('--description <text>', 'what it is for')
    .option('--pool <pool>', 'move it to this pool')
    .option('--label <label>', 'give it a label, beside those it reports; may be repeated', collect)
    .option('--remove-label <label>', 'take a label away; may be repeated', collect)
    .option('--max-tasks <n>', 'plans and applies at once; "none" leaves it to the agent', parseLimit)
    .option('--execute', 'let it execute Terraform')
    .option('--no-execute', 'do not')
    .option('--secrets', 'let it read sensitive values')
    .option('--no-secrets', 'do not')
    .option(
      '--allow-workspace <id>',
      'let it work for this workspace, and only for those so named; may be repeated',
      collect,
    )
    .option('--allow-provider <name>', 'let it use this provider, and only those so named; may be repeated', collect)
    .option('--allow-all', 'let it work for every workspace and use every provider')
    .action(async (id: string, options: UpdateOptions) => {
      const client = await cli.client();
      const agent = await findAgent(client, id);
      const pool = options.pool === undefined ? undefined : await findPool(client, options.pool);
      const body = { ...toUpdate(agent, options), ...(pool && { pool_id: pool.id }) };
      if (Object.keys(body).length === 0) throw usageError('Say what to change; see --help.');
      const updated = await client.call('updateAgent', { params: { id: agent.id }, body });
      cli.print(updated, () => `Updated agent ${cli.style.bold(updated.name)}.`);
    });

function toUpdate(agent: Agent, options: UpdateOptions): AgentUpdate {
  const { rename, description, label = [], removeLabel = [], maxTasks } = options;
  const labels = [...agent.labels.filter((known) => !removeLabel.includes(known)), ...label];
  const permissions = toPermissions(agent.permissions, options);
  return {
    ...(rename !== undefined && { name: rename }),
    ...(description !== undefined && { description }),
    ...(label.length + removeLabel.length > 0 && { labels: [...new Set(labels)] }),
    ...(maxTasks !== undefined && { max_concurrent_tasks: toLimit(maxTasks) }),
    ...(permissions && { permissions }),
  };
}

/** What is named is added to a list; a list that was not there begins with it, and then allows nothing else. */
function toPermissions(known: AgentPermissions, options: UpdateOptions): AgentPermissions | undefined {
  const { execute, secrets, allowWorkspace, allowProvider, allowAll } = options;
  if ([execute, secrets, allowWorkspace, allowProvider, allowAll].every((given) => given === undefined))
    return undefined;
  const add = (list: string[] | null, more: string[] | undefined) =>
    more === undefined ? list : [...new Set([...(list ?? []), ...more])];
  return {
    can_execute_terraform: execute ?? known.can_execute_terraform,
    can_access_secrets: secrets ?? known.can_access_secrets,
    allowed_workspaces: allowAll ? null : add(known.allowed_workspaces, allowWorkspace),
    allowed_providers: allowAll ? null : add(known.allowed_providers, allowProvider),
  };
}
