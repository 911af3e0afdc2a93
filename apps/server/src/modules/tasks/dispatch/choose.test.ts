import type { PoolId } from '@groundcrew/protocol';
import { describe, expect, it } from 'vitest';
import { choose } from './choose.ts';
import type { AgentView, PoolView, WaitingTask } from './snapshot.ts';
import {
  agent,
  agentId,
  apply,
  needs,
  POOL,
  pool,
  snapshot,
  task,
  taskId,
  workspace,
  workspaceId,
} from './snapshot-for-tests.ts';

const given = (chosen: ReturnType<typeof choose>): string[] =>
  chosen.assignments.map(({ taskId: t, agentId: a }) => `${t} → ${a}`);
const rules = (chosen: ReturnType<typeof choose>): string[] =>
  chosen.waiting.map(({ taskId: t, rule }) => `${t} ${rule}`);

/** The reason with which the only agent is explained for the only task. */
function reasonFor(
  t: WaitingTask,
  a: AgentView,
  p: PoolView = pool(),
  more: Parameters<typeof snapshot>[0] = {},
): string | undefined {
  const chosen = choose(snapshot({ tasks: [t], agents: [a], pools: [p], ...more }));
  if (chosen.assignments.length > 0) return 'taken';
  return chosen.waiting[0]?.agents[0]?.reason;
}

describe('M09: per agent', () => {
  it('plans run in parallel up to the limits', () => {
    const tasks = [1, 2, 3, 4].map((n) => task(n));
    expect(given(choose(snapshot({ tasks, agents: [agent(1)] })))).toHaveLength(3);
    expect(given(choose(snapshot({ tasks, agents: [agent(1, { maxTasks: 2 })] })))).toHaveLength(2);
    expect(given(choose(snapshot({ tasks, agents: [agent(1, { planLimit: 1 })] })))).toHaveLength(1);
    expect(reasonFor(task(1), agent(1, { plans: 3 }))).toBe('plan_limit');
    expect(reasonFor(task(1), agent(1, { plans: 3, maxTasks: 3 }))).toBe('task_limit');
    expect(reasonFor(task(1), agent(1, { planLimit: 0 }))).toBe('adaptive_limit');
  });

  it('at most one apply, which may start beside running plans; from then on it takes nothing new', () => {
    const chosen = choose(
      snapshot({ tasks: [task(1), apply(2), apply(3), task(4)], agents: [agent(1, { plans: 1 })] }),
    );
    expect(given(chosen)).toEqual(['task-1 → agent-1', 'task-2 → agent-1']);
    expect(rules(chosen)).toEqual(['task-3 nobody_free', 'task-4 nobody_free']);
    expect(reasonFor(task(1), agent(1, { applies: 1 }))).toBe('applying');
  });

  it('unless the pool allows it: then applies count only as tasks, and plans keep their limit', () => {
    const open = pool({ allowApplyConcurrent: true });
    const chosen = choose(
      snapshot({ tasks: [apply(1), apply(2), task(3)], agents: [agent(1, { maxTasks: 3 })], pools: [open] }),
    );
    expect(given(chosen)).toHaveLength(3);
    expect(reasonFor(apply(1), agent(1, { applies: 5 }), open)).toBe('task_limit');
  });

  it('an attempt with both phases counts as an apply', () => {
    const both = task(1, { action: 'plan_apply', mayApply: true });
    const chosen = choose(snapshot({ tasks: [both, task(2)], agents: [agent(1)] }));
    expect(given(chosen)).toEqual(['task-1 → agent-1']);
    expect(reasonFor(both, agent(1, { plans: 4 }))).toBe('taken');
  });
});

describe('who can take it', () => {
  it('names what an agent lacks', () => {
    const aws = needs({ providers: ['hashicorp/aws'] });
    expect(reasonFor(task(1), agent(1, { mayExecute: false }))).toBe('may_not_execute');
    expect(reasonFor(task(1, { needs: needs({ secrets: true }) }), agent(1, { mayReadSecrets: false }))).toBe(
      'may_not_read_secrets',
    );
    expect(reasonFor(task(1), agent(1, { mayReadSecrets: false }))).toBe('taken');
    expect(reasonFor(task(1), agent(1, { allowedWorkspaces: [workspaceId(2)] }))).toBe('workspace_not_allowed');
    expect(reasonFor(task(1), agent(1, { allowedWorkspaces: [] }))).toBe('workspace_not_allowed');
    expect(reasonFor(task(1), agent(1, { allowedWorkspaces: [workspaceId(1)] }))).toBe('taken');
    expect(reasonFor(task(1, { needs: aws }), agent(1, { allowedProviders: [] }))).toBe('provider_not_allowed');
    expect(reasonFor(task(1, { needs: aws }), agent(1, { providers: ['google'] }))).toBe('provider_missing');
    expect(
      reasonFor(task(1, { needs: aws }), agent(1, { providers: ['aws'], allowedProviders: ['hashicorp/aws'] })),
    ).toBe('taken');
  });

  it('versions: an exact one, or whatever the agent has, or what it may install', () => {
    const exact = task(1, { needs: needs({ version: '1.8.5' }) });
    expect(reasonFor(exact, agent(1))).toBe('version_missing');
    expect(reasonFor(exact, agent(1, { installsVersions: true }))).toBe('taken');
    expect(reasonFor(exact, agent(1, { versions: { terraform: ['1.8.5'], tofu: [] } }))).toBe('taken');
    expect(reasonFor(task(1, { needs: needs({ tool: 'tofu' }) }), agent(1))).toBe('version_missing');
  });

  it('labels: every one that the task and the pool require, under every strategy', () => {
    for (const strategy of ['round_robin', 'least_busy', 'random', 'label_match'] as const) {
      const strict = pool({ strategy, requiredLabels: ['env=prod'] });
      const wanted = task(1, { needs: needs({ labels: ['gpu'] }) });
      expect(reasonFor(wanted, agent(1, { labels: ['gpu'] }), strict)).toBe('label_missing');
      expect(reasonFor(wanted, agent(1, { labels: ['env=prod'] }), strict)).toBe('label_missing');
      expect(reasonFor(wanted, agent(1, { labels: ['env=prod', 'gpu'] }), strict)).toBe('taken');
    }
  });

  it('who is away, in error, suspect or draining is offered nothing', () => {
    expect(reasonFor(task(1), agent(1, { status: 'offline' }))).toBe('offline');
    expect(reasonFor(task(1), agent(1, { status: 'error' }))).toBe('in_error');
    expect(reasonFor(task(1), agent(1, { silentOffers: 3 }))).toBe('suspect');
    expect(reasonFor(task(1), agent(1, { silentOffers: 2 }))).toBe('taken');
    expect(reasonFor(task(1), agent(1, { draining: true }))).toBe('draining');
    expect(reasonFor(task(1), agent(1, { status: 'busy' }))).toBe('taken');
  });

  it('who gave the task back is passed over for it, and for nothing else', () => {
    const back = task(1, { passedOver: [{ agentId: agentId(1), until: 1_000_001 }] });
    expect(reasonFor(back, agent(1))).toBe('passed_over');
    expect(reasonFor(task(1, { passedOver: [{ agentId: agentId(1), until: 1_000_000 }] }), agent(1))).toBe('taken');
    expect(given(choose(snapshot({ tasks: [back, task(2)], agents: [agent(1)] })))).toEqual(['task-2 → agent-1']);
  });

  it('what is built in has to be allowed like the others, but reached nowhere', () => {
    const builtIn = task(1, { needs: needs({ providers: ['terraform.io/builtin/terraform'] }) });
    expect(reasonFor(builtIn, agent(1, { allowedProviders: ['aws'] }))).toBe('provider_not_allowed');
    expect(reasonFor(builtIn, agent(1, { allowedProviders: ['terraform'], providers: ['aws'] }))).toBe('taken');
  });
});

describe('whose turn it is', () => {
  it('a locked workspace: nothing new starts, plans included, and nobody else waits for it', () => {
    const tasks = [task(1), apply(2, { workspaceId: workspaceId(1) }), task(3)];
    const workspaces = [workspace(1, { lock: { by: 'Ann', reason: 'audit' } }), workspace(3)];
    const chosen = choose(snapshot({ tasks, workspaces, agents: [agent(1)] }));
    expect(given(chosen)).toEqual(['task-3 → agent-1']);
    expect(rules(chosen)).toEqual(['task-1 locked', 'task-2 locked']);
    expect(chosen.waiting[0]?.sentence).toBe('The workspace is locked by Ann: audit.');
    expect(chosen.waiting[0]?.agents).toMatchObject([{ agentId: agentId(1), reason: 'could_take_it' }]);
  });

  it('a held workspace: only the holder and plans', () => {
    const on = { workspaceId: workspaceId(1) };
    const workspaces = [workspace(1, { hold: taskId(2) })];
    const chosen = choose(
      snapshot({ tasks: [apply(1, on), task(3, on), apply(2, on)], workspaces, agents: [agent(1), agent(2)] }),
    );
    expect(given(chosen)).toEqual(['task-2 → agent-1', 'task-3 → agent-2']);
    expect(rules(chosen)).toEqual(['task-1 held']);
  });

  it('tasks that may apply take turns in order of arrival, whatever the order of the list', () => {
    const on = { workspaceId: workspaceId(1), action: 'plan' as const };
    const chosen = choose(
      snapshot({
        tasks: [apply(2, on), apply(1, on)],
        workspaces: [workspace(1)],
        agents: [agent(1)],
      }),
    );
    expect(given(chosen)).toEqual(['task-1 → agent-1']);
    expect(rules(chosen)).toEqual(['task-2 held']);
    const next = choose(
      snapshot({
        tasks: [apply(1, on), apply(2, on)],
        workspaces: [workspace(1)],
        agents: [agent(1)],
      }),
    );
    expect(rules(next)).toEqual(['task-2 held']);
  });

  it('one that cannot be placed holds back its own workspace only', () => {
    const stuck = apply(1, { needs: needs({ labels: ['moon'] }) });
    const chosen = choose(
      snapshot({ tasks: [stuck, apply(2, { workspaceId: workspaceId(1) }), apply(3)], agents: [agent(1)] }),
    );
    expect(given(chosen)).toEqual(['task-3 → agent-1']);
    expect(rules(chosen)).toEqual(['task-1 nobody_able', 'task-2 not_first']);
  });
});

describe('why nobody takes it', () => {
  it('names the first thing that would have to change', () => {
    const why = (t: WaitingTask, agents: AgentView[]): string[] => rules(choose(snapshot({ tasks: [t], agents })));
    expect(why(task(1, { poolId: null }), [agent(1)])).toEqual(['task-1 no_pool']);
    expect(why(task(1), [])).toEqual(['task-1 pool_empty']);
    expect(why(task(1), [agent(1, { mayExecute: false })])).toEqual(['task-1 nobody_able']);
    expect(why(task(1), [agent(1, { allowedWorkspaces: [] })])).toEqual(['task-1 nobody_able']);
    expect(why(task(1), [agent(1, { status: 'offline' }), agent(2, { mayExecute: false })])).toEqual([
      'task-1 nobody_online',
    ]);
    expect(why(task(1), [agent(1, { applies: 1 }), agent(2, { status: 'offline' })])).toEqual(['task-1 nobody_free']);
  });

  it('explains agent by agent as things stand after the pass', () => {
    const chosen = choose(
      snapshot({ tasks: [apply(1), task(2)], agents: [agent(1), agent(2, { status: 'offline' })] }),
    );
    expect(chosen.waiting).toMatchObject([
      {
        taskId: 'task-2',
        rule: 'nobody_free',
        sentence: 'Every agent of pool default that can take this task is busy.',
      },
    ]);
    expect(chosen.waiting[0]?.agents).toMatchObject([
      { agentId: 'agent-1', reason: 'applying', sentence: 'It applies, and takes nothing new until that has ended.' },
      { agentId: 'agent-2', name: 'agent-2', reason: 'offline', sentence: 'It is offline.' },
    ]);
  });

  it("another pool's agents are neither asked nor named", () => {
    const other = 'pool-2' as PoolId;
    const chosen = choose(
      snapshot({ tasks: [task(1)], agents: [agent(1, { poolId: other })], pools: [pool(), pool({ id: other })] }),
    );
    expect(chosen.waiting[0]).toMatchObject({ rule: 'pool_empty', agents: [] });
  });
});

describe('strategies', () => {
  const three = [agent(1), agent(2), agent(3)];

  it('round_robin goes on after whoever was last given something', () => {
    const tasks = [1, 2, 3, 4].map((n) => task(n));
    expect(given(choose(snapshot({ tasks, agents: three, pools: [pool({ lastAgentId: agentId(2) })] })))).toEqual([
      'task-1 → agent-3',
      'task-2 → agent-1',
      'task-3 → agent-2',
      'task-4 → agent-3',
    ]);
  });

  it('least_busy takes whoever runs the fewest, counting what the pass has given', () => {
    const agents = [agent(1, { plans: 2 }), agent(2, { applies: 0, plans: 1 }), agent(3)];
    expect(
      given(
        choose(snapshot({ tasks: [task(1), task(2), task(3)], agents, pools: [pool({ strategy: 'least_busy' })] })),
      ),
    ).toEqual(['task-1 → agent-3', 'task-2 → agent-2', 'task-3 → agent-3']);
  });

  it('random takes the injected dice', () => {
    const pools = [pool({ strategy: 'random' })];
    const thrown = (dice: number) => given(choose(snapshot({ tasks: [task(1)], agents: three, pools }), () => dice));
    expect([0, 0.5, 0.999].map(thrown)).toEqual([['task-1 → agent-1'], ['task-1 → agent-2'], ['task-1 → agent-3']]);
  });

  it('label_match takes the most preferred labels first, then the least busy', () => {
    const wanted = task(1, { needs: needs({ preferredLabels: ['ssd', 'eu'] }) });
    const pools = [pool({ strategy: 'label_match' })];
    const agents = [agent(1, { labels: ['ssd'] }), agent(2, { labels: ['ssd', 'eu'], plans: 2 }), agent(3)];
    expect(given(choose(snapshot({ tasks: [wanted], agents, pools })))).toEqual(['task-1 → agent-2']);
    const equal = [agent(1, { labels: ['ssd'], plans: 1 }), agent(2, { labels: ['eu'] })];
    expect(given(choose(snapshot({ tasks: [wanted], agents: equal, pools })))).toEqual(['task-1 → agent-2']);
  });
});

describe('a snapshot', () => {
  it('is left as it was', () => {
    const before = snapshot({ tasks: [task(1), apply(2)], agents: [agent(1)] });
    const copy = structuredClone(before);
    choose(before);
    expect(before).toEqual(copy);
    expect(before.pools[0]?.id).toBe(POOL);
  });
});
