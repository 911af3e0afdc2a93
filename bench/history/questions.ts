import type { Client } from '@groundcrew/client';
import type { Landmarks, Sample } from './landmarks.ts';

/** One way of asking a route, as a console or a script does. */
export interface Question {
  route: string;
  variant: string;
  /** @param n counts up, to ask about another one every time */
  ask: (client: Client, n: number) => Promise<unknown>;
}

/** As the lists make it: the sort key of the last row. */
const cursorAt = (key: string | number): string => Buffer.from(String(key)).toString('base64url');
const pick = <T>(all: readonly T[], n: number): T => all[n % all.length] as T;

/** Every list and every page of a console, first pages and pages in the middle of everything. */
export const listQuestions = (at: Landmarks): Question[] => [
  ...taskQuestions(at),
  ...oneTaskQuestions(at.tasks),
  ...workspaceQuestions(at),
  ...fleetQuestions(at),
  ...auditQuestions(at),
];

function taskQuestions({ middleSeq, hotWorkspace, workspaces }: Landmarks): Question[] {
  const tasks = (variant: string, query: (n: number) => Record<string, unknown>): Question => ({
    route: 'GET /tasks',
    variant,
    ask: (client, n) => client.call('listTasks', { query: query(n) }),
  });
  const cursor = cursorAt(middleSeq);
  const hot = { workspace_id: hotWorkspace };
  return [
    tasks('first page', () => ({})),
    tasks('middle', () => ({ cursor })),
    tasks('200 of them', () => ({ cursor, limit: 200 })),
    tasks('active', () => ({ active: 'true' })),
    tasks('ended', () => ({ active: 'false', cursor })),
    ...['applied', 'cancelled', 'needs_attention'].flatMap((status) => [
      tasks(status, () => ({ status })),
      tasks(`${status}, middle`, () => ({ status, cursor })),
    ]),
    tasks('of a workspace', (n) => ({ workspace_id: pick(workspaces, n).id })),
    tasks('of the busiest workspace', () => hot),
    tasks('of the busiest workspace, middle', () => ({ ...hot, cursor })),
    tasks('of the busiest workspace, cancelled', () => ({ ...hot, status: 'cancelled' })),
    tasks('of the busiest workspace, awaiting approval', () => ({ ...hot, status: 'awaiting_approval' })),
    tasks('of the busiest workspace, active', () => ({ ...hot, active: 'true' })),
    tasks('of a workspace by name', (n) => ({ workspace_id: pick(workspaces, n).name })),
  ];
}

function oneTaskQuestions(tasks: readonly Sample[]): Question[] {
  const params = (n: number) => ({ task_id: pick(tasks, n).id as never });
  const one = (route: string, ask: Question['ask'], variant = 'an old task'): Question => ({ route, variant, ask });
  return [
    one('GET /tasks/:id', (client, n) => client.call('getTask', { params: params(n) })),
    one('GET /tasks/:id/attempts', (client, n) => client.call('listAttempts', { params: params(n) })),
    one('GET /tasks/:id/events', (client, n) => client.call('listTaskEvents', { params: params(n) })),
    one('GET /tasks/:id/plan', (client, n) => client.call('getPlan', { params: params(n) })),
    one('GET /tasks/:id/queue', (client, n) => client.call('explainTask', { params: params(n) })),
    one('GET /tasks/:id/log-streams', (client, n) => client.call('listLogStreams', { params: params(n) })),
    one('GET /tasks/:id/logs', (client, n) => client.call('readLog', { params: params(n), query: { phase: 'plan' } })),
  ];
}

function workspaceQuestions({ hotWorkspace, middleName, middleVersion, workspaces }: Landmarks): Question[] {
  const list = (variant: string, query: Record<string, unknown>): Question => ({
    route: 'GET /workspaces',
    variant,
    ask: (client) => client.call('listWorkspaces', { query }),
  });
  const states = (variant: string, query: Record<string, unknown>): Question => ({
    route: 'GET /workspaces/:id/state-versions',
    variant,
    ask: (client) => client.call('listStateVersions', { params: { workspace_id: hotWorkspace }, query }),
  });
  const params = (n: number) => ({ workspace_id: pick(workspaces, n).id });
  return [
    list('first page', {}),
    list('middle', { cursor: cursorAt(middleName) }),
    list('200 of them', { limit: 200 }),
    list('search that finds many', { search: 'work' }),
    list('search that finds few', { search: '-00012' }),
    list('search that finds nothing', { search: 'no such workspace' }),
    {
      route: 'GET /workspaces/:id',
      variant: 'any',
      ask: (client, n) => client.call('getWorkspace', { params: params(n) }),
    },
    {
      route: 'GET /workspaces/:id/variables',
      variant: 'any',
      ask: (client, n) => client.call('listVariables', { params: params(n) }),
    },
    {
      route: 'GET /workspaces/:id/configurations',
      variant: 'any',
      ask: (client, n) => client.call('listConfigurations', { params: params(n) }),
    },
    states('first page', {}),
    states('middle', { cursor: cursorAt(middleVersion) }),
    states('quarantined', { standing: 'quarantined' }),
    states('past, middle', { standing: 'past', cursor: cursorAt(middleVersion) }),
  ];
}

function fleetQuestions({ hotAgent, middleAgent, middleAttempt, pools }: Landmarks): Question[] {
  const agents = (variant: string, query: (n: number) => Record<string, unknown>): Question => ({
    route: 'GET /agents',
    variant,
    ask: (client, n) => client.call('listAgents', { query: query(n) }),
  });
  const params = { id: hotAgent };
  const tasks = (variant: string, query: Record<string, unknown>): Question => ({
    route: 'GET /agents/:id/tasks',
    variant,
    ask: (client) => client.call('listAgentTasks', { params, query }),
  });
  const pool = (n: number) => ({ id: pick(pools, n) as never });
  return [
    agents('first page', () => ({})),
    agents('middle', () => ({ cursor: cursorAt(middleAgent) })),
    agents('of a pool', (n) => ({ pool_id: pick(pools, n) })),
    { route: 'GET /agents/:id', variant: 'the busiest', ask: (client) => client.call('getAgent', { params }) },
    {
      route: 'GET /agents/:id/status',
      variant: 'the busiest',
      ask: (client) => client.call('getAgentStatus', { params }),
    },
    {
      route: 'GET /agents/:id/cc-status',
      variant: 'the busiest',
      ask: (client) => client.call('getCommandChannel', { params }),
    },
    tasks('the busiest', {}),
    tasks('the busiest, middle', { cursor: cursorAt(middleAttempt) }),
    { route: 'GET /agent-pools', variant: 'first page', ask: (client) => client.call('listPools', {}) },
    { route: 'GET /agent-pools/:id', variant: 'any', ask: (client, n) => client.call('getPool', { params: pool(n) }) },
    { route: 'GET /users', variant: 'first page', ask: (client) => client.call('listUsers', {}) },
    { route: 'GET /tokens', variant: 'first page', ask: (client) => client.call('listTokens', {}) },
  ];
}

function auditQuestions({ middleAudit, middleTime, tasks }: Landmarks): Question[] {
  const audit = (variant: string, query: (n: number) => Record<string, unknown>): Question => ({
    route: 'GET /audit',
    variant,
    ask: (client, n) => client.call('listAudit', { query: query(n) }),
  });
  const cursor = cursorAt(middleAudit);
  const after = (ms: number) => new Date(middleTime.getTime() + ms).toISOString();
  return [
    audit('first page', () => ({})),
    audit('middle', () => ({ cursor })),
    audit('of a subject', (n) => ({ subject_id: pick(tasks, n).id })),
    audit('of a noun', () => ({ noun: 'workspace' })),
    audit('of a noun that is rare', () => ({ noun: 'pool' })),
    audit('of a person', () => ({ actor_id: 'user-person 7', cursor })),
    audit('of nobody', () => ({ actor_id: 'user-nobody' })),
    audit('of an action', () => ({ action: 'update' })),
    audit('of an action that nobody took', () => ({ action: 'no_such_action' })),
    audit('of a noun and an action that do not meet', () => ({ noun: 'task', action: 'update' })),
    audit('of an hour long ago', () => ({ since: after(0), until: after(3_600_000) })),
    audit('before long ago', () => ({ until: after(0) })),
    audit('since long ago', () => ({ since: after(0) })),
    audit('of the last hour', () => ({ since: new Date(Date.now() - 3_600_000).toISOString() })),
  ];
}
