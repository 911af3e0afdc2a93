import { SelectionStrategy } from '@groundcrew/protocol';
import { type Command, Option } from 'commander';
import type { Cli } from '../../cli.ts';
import { collect, createCommand, parseCount } from '../../command.ts';

interface CreateOptions {
  description?: string;
  strategy?: SelectionStrategy;
  requireLabel?: string[];
  plansPerAgent?: number;
  allowApplyConcurrent?: boolean;
}

export const poolCreate = (cli: Cli): Command =>
  createCommand('create', 'Add a pool of agents', cli, ['pool create eu-west', 'pool create gpu --require-label gpu'])
    .argument('<name>', 'letters, digits, ".", "_" and "-"')
    .option('--description <text>', 'what it is for')
    .addOption(new Option('--strategy <name>', 'how an agent is chosen').choices(SelectionStrategy.options))
    .option('--require-label <label>', 'label its agents must carry; may be repeated', collect)
    .option('--plans-per-agent <n>', 'plans that one agent may run at once', parseCount)
    .option('--allow-apply-concurrent', 'let one agent run several applies at once')
    .action(async (name: string, options: CreateOptions) => {
      const client = await cli.client();
      const pool = await client.call('createPool', { body: { name, ...fieldsOf(options) } });
      cli.print(pool, () => `Created pool ${cli.style.bold(pool.name)} (${pool.id}).`);
      cli.note(`Make a token for its agents: ${cli.name} pool token create ${pool.name}`);
    });

const fieldsOf = ({ description, strategy, requireLabel, plansPerAgent, allowApplyConcurrent }: CreateOptions) => ({
  ...(description === undefined ? {} : { description }),
  ...(strategy === undefined ? {} : { selection_strategy: strategy }),
  ...(requireLabel === undefined ? {} : { required_labels: requireLabel }),
  ...(plansPerAgent === undefined ? {} : { max_plan_concurrency: plansPerAgent }),
  ...(allowApplyConcurrent === undefined ? {} : { allow_apply_concurrent: allowApplyConcurrent }),
});
