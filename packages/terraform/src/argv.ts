/** Settings of one `plan`. */
export interface PlanArguments {
  /** Where the plan is written, relative to the working directory. */
  planFile: string;
  destroy?: boolean;
  refreshOnly?: boolean;
  /** Resource addresses for `-target`. */
  targets?: readonly string[];
  /** Resource addresses for `-replace`. */
  replace?: readonly string[];
  /** Operations at once; Terraform's own default is 10. */
  parallelism?: number | null;
}

// Colours are left on: the human output is the log, and people read it in colour. `-input=false` stands everywhere because a
// prompt on /dev/null ends in a confusing "EOF" instead of naming the missing variable.

/**
 * Arguments of `init`. `-reconfigure` ignores a `.terraform` that came with the configuration or from another back end.
 * `lockfileReadonly` is for a folder that already has the lock file of its plan: other providers than planned would be an error.
 */
export function initArgs(options: { upgrade?: boolean; lockfileReadonly?: boolean } = {}): string[] {
  if (options.upgrade && options.lockfileReadonly) {
    throw new Error('init cannot both upgrade providers and keep the lock file as it is; choose one');
  }
  return [
    'init',
    '-input=false',
    '-reconfigure',
    ...(options.upgrade ? ['-upgrade'] : []),
    ...(options.lockfileReadonly ? ['-lockfile=readonly'] : []),
  ];
}

/**
 * Arguments of `plan`. Without `-detailed-exitcode`: exit code 2 is also what a crash of the Go runtime gives, and whether
 * there is something to apply stands in the plan itself.
 */
export function planArgs(plan: PlanArguments): string[] {
  if (plan.destroy && plan.refreshOnly) throw new Error('a plan cannot both destroy and only refresh; choose one');
  return [
    'plan',
    '-input=false',
    `-out=${plan.planFile}`,
    ...(plan.destroy ? ['-destroy'] : []),
    ...(plan.refreshOnly ? ['-refresh-only'] : []),
    ...(plan.targets ?? []).map((address) => `-target=${address}`),
    ...(plan.replace ?? []).map((address) => `-replace=${address}`),
    ...parallelismArgs(plan.parallelism),
  ];
}

/** Arguments of `providers`, which says what configuration and state use and loads none of it. */
export const providersArgs = (): string[] => ['providers'];

/** Arguments of `show -json` on a plan file; its standard output is the plan as JSON, secrets in clear. */
export function showPlanArgs(planFile: string): string[] {
  return ['show', '-json', checkPlanFile(planFile)];
}

/** Arguments of `apply` on a saved plan: the only kind of apply there is, so nothing is applied that nobody has seen. */
export function applyArgs(planFile: string, parallelism?: number | null): string[] {
  return ['apply', '-input=false', ...parallelismArgs(parallelism), checkPlanFile(planFile)];
}

function parallelismArgs(parallelism: number | null | undefined): string[] {
  if (parallelism === undefined || parallelism === null) return [];
  if (!Number.isInteger(parallelism) || parallelism < 1) {
    throw new Error(`parallelism must be a whole number from 1 on, not ${parallelism}`);
  }
  return [`-parallelism=${parallelism}`];
}

function checkPlanFile(planFile: string): string {
  // A name like "-auto-approve" would be read as a flag, and without a file name `apply` plans anew.
  if (planFile === '' || planFile.startsWith('-')) throw new Error(`"${planFile}" cannot be the name of a plan file`);
  return planFile;
}
