import { type PoolUpdate, SelectionStrategy } from '@groundcrew/protocol';
import { type Command, Option } from 'commander';
import { collect, type GivenLimit, parseCount, parseLimit, toLimit } from '../../command.ts';

/** What `create` and `update` can set. */
export interface PoolSettings {
  description?: string;
  static?: boolean;
  strategy?: SelectionStrategy;
  requireLabel?: string[];
  plansPerAgent?: number;
  maxTasks?: GivenLimit;
  allowApplyConcurrent?: boolean;
}

export const withPoolSettings = (command: Command): Command =>
  command
    .option('--description <text>', 'what it is for')
    .option('--static', 'take listed members only')
    .option('--no-static', 'take whoever brings its token and carries its labels')
    .addOption(new Option('--strategy <name>', 'how an agent is chosen').choices(SelectionStrategy.options))
    .option('--require-label <label>', 'label its agents must carry; may be repeated', collect)
    .option('--plans-per-agent <n>', 'plans that one agent may run at once', parseCount)
    .option('--max-tasks <n>', 'tasks at once on all its agents together, or "none"', parseLimit)
    .option('--allow-apply-concurrent', 'let one agent run several applies at once')
    .option('--no-allow-apply-concurrent', 'one apply at a time per agent');

/** The API's fields for what was given. */
export const toPoolFields = (settings: PoolSettings): Omit<PoolUpdate, 'name'> => ({
  ...(settings.description !== undefined && { description: settings.description }),
  ...(settings.static !== undefined && { pool_type: settings.static ? ('static' as const) : ('dynamic' as const) }),
  ...(settings.strategy !== undefined && { selection_strategy: settings.strategy }),
  ...(settings.requireLabel && { required_labels: settings.requireLabel }),
  ...(settings.plansPerAgent !== undefined && { max_plan_concurrency: settings.plansPerAgent }),
  ...(settings.maxTasks !== undefined && { max_concurrent_tasks: toLimit(settings.maxTasks) }),
  ...(settings.allowApplyConcurrent !== undefined && { allow_apply_concurrent: settings.allowApplyConcurrent }),
});
