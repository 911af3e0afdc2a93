import type { AgentReason, QueueRule, WayOut } from '@groundcrew/protocol';
import { findForbiddenProviders } from '@groundcrew/terraform';
import type { AgentExplanation, Hindrance } from './choice.ts';
import type { WaitingTask } from './snapshot.ts';

const say = (sentence: string, command: string | null = null): WayOut => ({ sentence, command });

/** What a person can do about a reason; null where there is nothing to do but wait. */
type ToWayOut = (agent: AgentExplanation, task: WaitingTask) => WayOut | null;

const AGENT_WAYS: Readonly<Record<AgentReason, ToWayOut>> = {
  may_not_execute: ({ name }) => say('Allow it to execute Terraform.', `agent update ${name} --execute`),
  may_not_read_secrets: ({ name }) => say('Allow it to read secrets.', `agent update ${name} --secrets`),
  workspace_not_allowed: ({ name }, { workspaceId }) =>
    say('Add the workspace to those it may work for.', `agent update ${name} --allow-workspace ${workspaceId}`),
  provider_not_allowed: ({ name, agent }, { needs }) => {
    const [provider = '<name>'] = findForbiddenProviders(needs.providers, agent.allowedProviders ?? []);
    return say('Add the provider to those it may use.', `agent update ${name} --allow-provider ${provider}`);
  },
  provider_missing: () => say('Name the provider in the capabilities of its configuration, if it can reach it.'),
  version_missing: () =>
    say('Install that version on its host, or let it install versions (capabilities.installs_versions).'),
  label_missing: ({ name }) =>
    say('Give it the label, here or in its configuration.', `agent update ${name} --label <label>`),
  offline: ({ name }) =>
    say('Start it on its host; its log says why it cannot reach the server.', `agent show ${name}`),
  in_error: ({ name }) => say('Look into its log on its host.', `agent show ${name}`),
  suspect: ({ name }) => say('It counts again with its next good call; else restart it.', `agent show ${name}`),
  draining: ({ name }) => say('Let it work again.', `agent resume ${name}`),
  applying: () => null,
  task_limit: ({ name, agent }) =>
    say('Let it run more at once, if its host bears it.', `agent update ${name} --max-tasks ${agent.maxTasks + 1}`),
  plan_limit: () =>
    say('Let each agent of the pool run more plans at once.', 'pool update <pool> --plans-per-agent <n>'),
  adaptive_limit: () => null,
  passed_over: () => null,
  could_take_it: () => null,
};

/** What can be done so that this agent can take the task. */
export const findAgentWayOut = (agent: AgentExplanation, task: WaitingTask): WayOut | null =>
  AGENT_WAYS[agent.reason](agent, task);

/** What can be done about what holds a task. `pool` is the name of its pool. */
export function findWaysOut({ rule, sentence }: Hindrance, task: WaitingTask, pool: string): WayOut[] {
  const ways: Readonly<Record<QueueRule, () => WayOut[]>> = {
    locked: () => [say('Unlock the workspace.', `workspace unlock ${task.workspaceId}`)],
    held: () => showOther(sentence),
    not_first: () => showOther(sentence),
    organization_limit: () => [say('Raise the limit of the organisation.', 'queue limits --max-tasks <n>')],
    workspace_limit: () => [
      say('Raise the limit of the workspace.', `workspace update ${task.workspaceId} --max-tasks <n>`),
    ],
    pool_limit: () => [say('Raise the limit of the pool.', `pool update ${pool} --max-tasks <n>`)],
    no_pool: () => [
      say(
        'Give the workspace a pool, then ask for the task anew.',
        `workspace update ${task.workspaceId} --pool <pool>`,
      ),
    ],
    pool_empty: () => [say('Start an agent with a token of the pool.', `pool token create ${pool}`)],
    nobody_able: () => [say("Give one of the pool's agents what it lacks, or start one that has it.")],
    nobody_online: () => [
      say("Start one of the pool's agents, or another one with a token of the pool.", `pool token create ${pool}`),
    ],
    nobody_free: () => [
      say(
        'Wait until one of them is free, or start another one with a token of the pool.',
        `pool token create ${pool}`,
      ),
    ],
  };
  return ways[rule]();
}

function showOther(sentence: string): WayOut[] {
  const other = /task-[a-z0-9]+/.exec(sentence)?.[0];
  return other === undefined ? [] : [say('See what that task waits for.', `task why ${other}`)];
}
