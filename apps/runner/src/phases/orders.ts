import {
  applyArgs,
  type BackendAccess,
  buildEnv,
  ConfigurationMistake,
  initArgs,
  planArgs,
  providersArgs,
  showPlanArgs,
} from '@groundcrew/terraform';
import type { CommandName, CommandOrder } from '../launcher/index.ts';
import { backendAccess } from '../relay/index.ts';
import type { AttemptContext } from './attempt-context.ts';

/** The program that runs, and where. */
export interface ProgramPlace {
  program: string;
  cwd: string;
}

/**
 * Terraform's commands for this attempt, each completely described.
 * @throws ConfigurationMistake for an environment variable that cannot be passed on.
 */
export function createOrders(context: AttemptContext, place: ProgramPlace): Record<CommandName, CommandOrder> {
  const { folder, state, data } = context;
  const { task } = data;
  const raw = folder.raw[data.attempt.action === 'apply' ? 'apply' : 'plan'];
  const env = environment(context, backendAccess(state.relay.port, state.credentials));
  const common = { program: place.program, cwd: place.cwd, env, stdout: raw, stderr: raw };
  const refreshing = {
    destroy: task.destroy,
    refreshOnly: task.refresh_only,
    targets: task.targets,
    replace: task.replace,
  };
  const plan = planArgs({ planFile: folder.plan, ...refreshing, parallelism: task.parallelism });
  return {
    // The providers of a stored plan are those in its lock file; others would be an error later.
    init: { ...common, name: 'init', args: initArgs({ lockfileReadonly: data.attempt.action === 'apply' }) },
    providers: { ...common, name: 'providers', args: providersArgs(), stdout: folder.providers },
    plan: { ...common, name: 'plan', args: plan },
    show: { ...common, name: 'show', args: showPlanArgs(folder.plan), stdout: folder.planJson },
    apply: {
      ...common,
      name: 'apply',
      args: applyArgs(folder.plan, task.parallelism),
      stdout: folder.raw.apply,
      stderr: folder.raw.apply,
    },
  };
}

/** Between Terraform and us stands a shell, which passes on only names that it could have itself. */
const SHELL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

function environment({ folder, birth, data }: AttemptContext, backend: BackendAccess): Record<string, string> {
  const own = data.variables
    .filter(({ category }) => category === 'env')
    .map(({ key, value }) => [key, value] as const);
  const userEnv = { ...data.workspace.system_variables, ...Object.fromEntries(own) };
  const paths = { path: birth.path, home: folder.home, tmp: folder.tmp, cliConfigFile: folder.cliConfig };
  const { env, refused } = buildEnv({ ...paths, backend, userEnv });
  const odd = Object.keys(userEnv)
    .filter((name) => name in env && !SHELL_NAME.test(name))
    .map(explainName);
  const reasons = [...refused.map(({ reason }) => reason), ...odd];
  if (reasons.length > 0) throw new ConfigurationMistake(reasons.join('\n'));
  return env;
}

const explainName = (name: string): string =>
  `"${name}" cannot name an environment variable here; use letters, digits and "_", not beginning with a digit.`;
