import type { Client } from '@groundcrew/client';
import type { WorkspaceUpdate } from '@groundcrew/protocol';
import { type Command, Option } from 'commander';
import { collect, type GivenLimit, parseCount, parseLimit, toLimit } from '../../command.ts';
import { findPool } from '../../session/find-pool.ts';

/** What `create` and `update` can set. */
export interface WorkspaceSettings {
  description?: string;
  tool?: 'terraform' | 'tofu';
  terraformVersion?: string;
  mode?: 'server' | 'agent';
  pool?: string;
  label?: string[];
  preferLabel?: string[];
  maxTasks?: GivenLimit;
  autoApprove?: boolean;
  folder?: string;
  planTimeout?: number;
  applyTimeout?: number;
}

export const withSettings = (command: Command): Command =>
  command
    .option('--description <text>', 'what it is for')
    .addOption(new Option('--tool <name>', 'program that carries out its tasks').choices(['terraform', 'tofu']))
    .option('--terraform-version <x.y.z>', 'exact Terraform or OpenTofu version; "any" takes what the agent has')
    .addOption(
      new Option('--mode <mode>', "where its tasks run: on the server's own host, or on agents").choices([
        'server',
        'agent',
      ]),
    )
    .option('--pool <pool>', 'pool of agents, by name or id; sets the mode to agent')
    .option('--label <label>', 'label that an agent must carry; may be repeated', collect)
    .option('--prefer-label <label>', 'label that makes an agent the better choice; may be repeated', collect)
    .option('--max-tasks <n>', 'tasks of it at once, or "none"', parseLimit)
    .option('--auto-approve', 'apply without asking anybody')
    .option('--no-auto-approve', 'ask before an apply')
    .option('--folder <path>', 'folder inside the configuration to run in')
    .option('--plan-timeout <seconds>', 'longest plan', parseCount)
    .option('--apply-timeout <seconds>', 'longest apply', parseCount);

/** The API's fields for what was given. */
export async function toFields(settings: WorkspaceSettings, client: Client): Promise<SettingFields> {
  const pool = settings.pool === undefined ? undefined : await findPool(client, settings.pool);
  const mode = settings.mode ?? (pool === undefined ? undefined : 'agent');
  const fields: Record<string, unknown> = {
    description: settings.description,
    tool: settings.tool,
    terraform_version: settings.terraformVersion === 'any' ? null : settings.terraformVersion,
    execution_mode: mode,
    agent_pool_id: pool?.id,
    labels: settings.label,
    preferred_labels: settings.preferLabel,
    max_concurrent_tasks: settings.maxTasks && toLimit(settings.maxTasks),
    auto_approve: settings.autoApprove,
    working_directory: settings.folder,
    plan_timeout_seconds: settings.planTimeout,
    apply_timeout_seconds: settings.applyTimeout,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
type SettingFields = Omit<Partial<WorkspaceUpdate>, 'name'>;
