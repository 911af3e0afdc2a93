import type { AgentReason } from '@groundcrew/protocol';
import { findForbiddenProviders, isBuiltIn } from '@groundcrew/terraform';
import type { AgentView, Needs, PoolView, Snapshot, WaitingTask } from './snapshot.ts';

/** A reason with its sentence. */
export interface Why {
  readonly reason: AgentReason;
  readonly sentence: string;
}

const why = (reason: AgentReason, sentence: string): Why => ({ reason, sentence });

/** What this agent lacks for such a task whatever it is doing: it would not help to wait. */
export function findInability(agent: AgentView, pool: PoolView, needs: Needs): Why | undefined {
  if (!agent.mayExecute) return why('may_not_execute', 'It may not execute Terraform.');
  if (needs.secrets && !agent.mayReadSecrets)
    return why('may_not_read_secrets', 'The task has sensitive values, which it may not read.');
  return findForeignProvider(agent, needs) ?? findMissingVersion(agent, needs) ?? findMissingLabel(agent, pool, needs);
}

function findForeignProvider(agent: AgentView, needs: Needs): Why | undefined {
  const [forbidden] = agent.allowedProviders ? findForbiddenProviders(needs.providers, agent.allowedProviders) : [];
  if (forbidden) return why('provider_not_allowed', `It may not use the provider ${forbidden}.`);
  const reached = agent.providers && needs.providers.filter((provider) => !isBuiltIn(provider));
  const [missing] = reached && agent.providers ? findForbiddenProviders(reached, agent.providers) : [];
  return missing ? why('provider_missing', `It does not offer the provider ${missing}.`) : undefined;
}

function findMissingVersion(agent: AgentView, { tool, version }: Needs): Why | undefined {
  const ready = agent.versions[tool];
  if (agent.installsVersions || (version === null ? ready.length > 0 : ready.includes(version))) return undefined;
  return why('version_missing', `It has no ${tool}${version === null ? '' : ` ${version}`} and installs no versions.`);
}

function findMissingLabel(agent: AgentView, pool: PoolView, needs: Needs): Why | undefined {
  const missing = [...pool.requiredLabels, ...needs.labels].find((label) => !agent.labels.includes(label));
  return missing === undefined ? undefined : why('label_missing', `It does not carry the label ${missing}.`);
}

/** Whether it may work for this workspace: apart from the other inabilities, since it differs from task to task. */
export const isBanned = ({ allowedWorkspaces }: AgentView, { workspaceId }: WaitingTask): boolean =>
  allowedWorkspaces !== null && !allowedWorkspaces.includes(workspaceId);

/** Why nothing at all is offered to it at present. */
export function findAbsence(agent: AgentView, { silentOffersUntilSuspect }: Snapshot): Why | undefined {
  if (agent.status === 'offline') return why('offline', 'It is offline.');
  if (agent.status === 'error') return why('in_error', 'It reports an error.');
  if (agent.silentOffers >= silentOffersUntilSuspect)
    return why('suspect', `It left ${agent.silentOffers} offers in a row unanswered.`);
  return agent.draining ? why('draining', 'It is draining.') : undefined;
}

/** An agent's slots in use. */
export interface Load {
  readonly plans: number;
  readonly applies: number;
}

/** Why it has no room for one more such task now. */
export function findFullness(
  agent: AgentView,
  { plans, applies }: Load,
  pool: PoolView,
  plan: boolean,
): Why | undefined {
  if (applies > 0 && !pool.allowApplyConcurrent)
    return why('applying', 'It applies, and takes nothing new until that has ended.');
  if (plans + applies >= agent.maxTasks)
    return why('task_limit', `It runs ${plans + applies} of at most ${agent.maxTasks} tasks.`);
  return plan ? findPlanFullness(agent, plans, pool.maxPlanConcurrency) : undefined;
}

function findPlanFullness(
  { planLimit, planLimitReason }: AgentView,
  plans: number,
  poolLimit: number,
): Why | undefined {
  if (plans >= poolLimit)
    return why('plan_limit', `It runs ${plans} of at most ${poolLimit} plans, the limit of its pool.`);
  if (planLimit === null || plans < planLimit) return undefined;
  const because = planLimitReason ? `: ${planLimitReason.replace(/\.$/, '')}` : '';
  return why('adaptive_limit', `It runs ${plans} plans and takes at most ${planLimit} at present${because}.`);
}

/** Whether it gave this very task back a moment ago. */
export const isPassedOver = ({ id }: AgentView, { passedOver }: WaitingTask, { now }: Snapshot): boolean =>
  passedOver.some(({ agentId, until }) => agentId === id && until > now);

export const BANNED: Why = why('workspace_not_allowed', 'It may not work for this workspace.');
export const PASSED_OVER: Why = why('passed_over', 'It gave this task back a moment ago and is not asked again yet.');
export const COULD_TAKE_IT: Why = why('could_take_it', 'It could take the task.');
